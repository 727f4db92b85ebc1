import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '#shared/catalogue/web-client.ts'
import { CpcsError } from '#shared/errors.ts'
import { separationDeg } from '#shared/sky/angles.ts'
import type { ObjectStore } from '#shared/store.ts'

/** A published table that the server holds: columns by name, values as they are printed. */
export interface Published {
  ra: string
  dec: string
  magnitude: string
  columns: Record<string, readonly (string | number)[]>
}

/** What goes wrong with an answer. */
export type Fault =
  | { status: number; headers?: Record<string, string>; body?: string }
  | 'slow' // no answer before the client's patience ends
  | 'cut' // the connection ends within the body
  | 'short' // whole by HTTP, and yet the text ends early

export interface SkyServer {
  url: string
  /** Every request so far: method and path, and the form of a POST. */
  requests: { method: string; path: string; form: URLSearchParams; range?: string; agent?: string }[]
  /** What goes wrong with the n-th request, counted from 0. */
  faults: (n: number) => Fault | undefined
  /** Rows of one answer at most, whatever MAXREC says. */
  hardLimit: number
  clock: TestClock
  close(): Promise<void>
}

/** Time that passes only when somebody sleeps; deadlines end when the server says so. */
export interface TestClock extends Clock {
  slept: number[]
  expire(): void
}

export function testClock(): TestClock {
  let time = Date.UTC(2026, 2, 1)
  const waiting: AbortController[] = []
  const slept: number[] = []
  return {
    slept,
    now: () => time,
    async sleep(ms) {
      slept.push(ms)
      time += ms
    },
    deadline() {
      const controller = new AbortController()
      waiting.push(controller)
      return controller.signal
    },
    expire: () => waiting.at(-1)?.abort(new DOMException('too slow', 'TimeoutError')),
  }
}

/**
 * A server that speaks TAP below /tap (synchronous and asynchronous, as VizieR and the archive of Gaia do) over
 * published tables, and gives out the files of a store below /files, by range too.
 */
export async function skyServer(tables: Record<string, Published>, files?: ObjectStore): Promise<SkyServer> {
  const clock = testClock()
  const jobs: string[] = []
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const sky: SkyServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    faults: () => undefined,
    hardLimit: Number.POSITIVE_INFINITY,
    clock,
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  return sky

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '' } = request
    const form = new URLSearchParams(await bodyOf(request))
    const { range, 'user-agent': agent } = request.headers
    const fault = sky.faults(sky.requests.push({ method, path, form, range, agent }) - 1)
    if (fault === 'slow') {
      clock.expire()
      return
    }
    if (typeof fault === 'object') {
      response.writeHead(fault.status, fault.headers).end(fault.body)
      return
    }
    const { status, headers = {}, body } = await route(path, form, range)
    const bytes = Buffer.from(body)
    if (fault === 'cut') {
      response.writeHead(status, { ...headers, 'content-length': bytes.length })
      response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy())
      return
    }
    const sent = fault === 'short' ? bytes.subarray(0, bytes.length >> 1) : bytes
    response.writeHead(status, { ...headers, 'content-length': sent.length })
    response.end(method === 'HEAD' ? undefined : sent)
  }

  type Reply = { status: number; headers?: Record<string, string>; body: string | Uint8Array }

  async function route(path: string, form: URLSearchParams, range?: string): Promise<Reply> {
    if (path === '/tap/sync') return { status: 200, body: query(tables, form, sky.hardLimit) }
    if (path === '/tap/async') {
      const id = jobs.push(query(tables, form, sky.hardLimit)) - 1
      return { status: 303, headers: { location: `${sky.url}/tap/async/${id}` }, body: '' }
    }
    const job = /^\/tap\/async\/(\d+)\/(phase|results\/result)$/.exec(path)
    // a job is looked at twice before it is done
    const looks = sky.requests.filter(({ path: before }) => before === path).length
    if (job?.[2] === 'phase') return { status: 200, body: looks > 2 ? 'COMPLETED' : 'EXECUTING' }
    if (job) return { status: 200, body: jobs[Number(job[1])] }
    return file(decodeURIComponent(path.replace('/files/', '')), range)
  }

  async function file(key: string, range?: string): Promise<Reply> {
    if (!files) return { status: 404, body: 'no files' }
    if (key.endsWith('/')) {
      const names = (await files.list(key)).map(name => name.slice(key.length))
      const links = names.map(name => `<a href="${name}">${name}</a>`)
      return { status: names.length > 0 ? 200 : 404, body: `<html>${links.join('<br>')}</html>` }
    }
    try {
      const bytes = await files.get(key)
      const part = /^bytes=(\d+)-(\d+)$/.exec(range ?? '')
      if (!part) return { status: 200, body: bytes }
      return { status: 206, body: bytes.subarray(Number(part[1]), Number(part[2]) + 1) }
    } catch (error) {
      if (error instanceof CpcsError && error.name === 'ObjectMissing') return { status: 404, body: 'not here' }
      throw error
    }
  }
}

/** The server's understanding of ADQL: a cone and a limiting magnitude, columns or their number. */
function query(tables: Record<string, Published>, form: URLSearchParams, hardLimit: number): string {
  const adql = form.get('QUERY') ?? ''
  const select = /^SELECT (.+) FROM (\S+) WHERE/.exec(adql)
  const circle = /CIRCLE\('ICRS', ([-\d.]+), ([-\d.]+), ([-\d.]+)\)/.exec(adql)?.slice(1).map(Number)
  const table = select && tables[select[2].replaceAll('"', '')]
  if (!table || !circle) return votable([], [], 'ERROR', `cannot parse ${adql}`)
  const unquoted = (name: string) => name.trim().replaceAll('"', '')
  const faint = Number(/"?([\w.']+)"? <= ([-\d.]+)/.exec(adql)?.[2])
  const { [table.ra]: ra, [table.dec]: dec, [table.magnitude]: mag } = table.columns
  const rows = Array.from(ra.keys()).filter(
    i => separationDeg(Number(ra[i]), Number(dec[i]), circle[0], circle[1]) <= circle[2] && Number(mag[i]) <= faint,
  )
  if (/^COUNT\(\*\)/.test(select[1])) return votable(['n'], [[rows.length]], 'OK')
  const names = select[1].split(',').map(unquoted)
  const unknown = names.find(name => !(name in table.columns))
  if (unknown) return votable([], [], 'ERROR', `Unknown column "${unknown}"`)
  const limit = Math.min(Number(form.get('MAXREC')), hardLimit)
  const sent = rows.slice(0, limit).map(i => names.map(name => table.columns[name][i]))
  return votable(names, sent, sent.length < rows.length ? 'OVERFLOW' : 'OK')
}

/** A VOTable as services print it: OVERFLOW behind the table, everything else in front. */
export function votable(names: string[], rows: (string | number)[][], status: string, words = ''): string {
  const fields = names.map(name => {
    const sample = rows[0]?.[names.indexOf(name)]
    const type = typeof sample === 'number' ? 'datatype="double"' : 'datatype="char" arraysize="*"'
    return `<FIELD name="${name.replaceAll('&', '&amp;')}" ${type}/>`
  })
  const body = rows.map(row => `<TR>${row.map(cell => `<TD>${cell}</TD>`).join('')}</TR>`)
  const front = status === 'OVERFLOW' ? 'OK' : status
  return `<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">
<INFO name="QUERY_STATUS" value="${front}">${words}</INFO>
${names.length > 0 ? `<TABLE>${fields.join('')}<DATA><TABLEDATA>${body.join('\n')}</TABLEDATA></DATA></TABLE>` : ''}
${status === 'OVERFLOW' ? '<INFO name="QUERY_STATUS" value="OVERFLOW"/>' : ''}
</RESOURCE></VOTABLE>\n`
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
