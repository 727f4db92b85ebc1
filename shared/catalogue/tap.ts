import { CpcsError } from '#shared/errors.ts'
import type { PublishedTable } from './published-table.ts'
import { decodeVotable } from './votable.ts'
import type { WebAnswer, WebClient } from './web-client.ts'

/** A service of the IVOA Table Access Protocol. */
export interface TapService {
  /** Its name for people. */
  service: string
  /** Address above `/sync` and `/async`. */
  url: string
  /** `async` for services that cut synchronous answers short (the archive of Gaia: at 2000 rows). */
  mode: 'sync' | 'async'
}

export interface TapAnswer {
  table: PublishedTable
  /** The service had more rows than it sent. */
  overflow: boolean
}

const POLL_MS = 1000
const SLOWEST_POLL_MS = 15_000
/** A job that takes longer will not be waited for. */
const LONGEST_JOB_MS = 600_000

/**
 * Ask a TAP service (TAP 1.1, DALI 1.1, UWS 1.1). The answer is asked for as VOTable, since of all formats it alone
 * says whether rows were left out.
 *
 * @param maxRows MAXREC: the service may have a lower limit of its own, which shows as overflow
 * @throws {CpcsError} UpstreamChanged the service refuses the query
 * @throws {Error} no whole answer: the service is down, broke off, or sent a page for people instead
 */
export async function askTap(web: WebClient, tap: TapService, adql: string, maxRows: number): Promise<TapAnswer> {
  const query = new URLSearchParams({
    REQUEST: 'doQuery',
    LANG: 'ADQL',
    FORMAT: 'votable',
    RESPONSEFORMAT: 'votable',
    MAXREC: String(maxRows),
    QUERY: adql,
  })
  return tap.mode === 'sync' ? readAnswer(tap, await post(web, `${tap.url}/sync`, query)) : runJob(web, tap, query)
}

function post(web: WebClient, url: string, form: URLSearchParams, manualRedirect = false): Promise<WebAnswer> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return web.ask(url, { method: 'POST', headers, body: form.toString(), manualRedirect })
}

/** A job of the Universal Worker Service: hand in, ask until it is done, fetch. */
async function runJob(web: WebClient, tap: TapService, query: URLSearchParams): Promise<TapAnswer> {
  query.set('PHASE', 'RUN')
  const created = await post(web, `${tap.url}/async`, query, true)
  const location = created.headers.get('location')
  if (created.status !== 303 || location === null) return readAnswer(tap, created)
  const job = new URL(location, `${tap.url}/async`).href
  const deadline = web.clock.now() + LONGEST_JOB_MS
  for (let wait = POLL_MS; ; wait = Math.min(SLOWEST_POLL_MS, 1.5 * wait)) {
    const phase = textOf(await web.ask(`${job}/phase`)).trim()
    if (phase === 'COMPLETED') break
    if (phase === 'ERROR' || phase === 'ABORTED') return readAnswer(tap, await web.ask(`${job}/error`))
    if (!/^(PENDING|QUEUED|EXECUTING|HELD|SUSPENDED|UNKNOWN)$/.test(phase))
      throw new Error(`${tap.service} tells no phase of its job but "${phase.slice(0, 80)}"`)
    if (web.clock.now() > deadline) throw new Error(`${tap.service} is at its job for ${LONGEST_JOB_MS / 60_000} min`)
    await web.clock.sleep(wait)
  }
  return readAnswer(tap, await web.ask(`${job}/results/result`))
}

function readAnswer({ service }: TapService, answer: WebAnswer): TapAnswer {
  const text = textOf(answer)
  const status = queryStatus(text)
  if (status?.value === 'ERROR') throw new CpcsError('UpstreamChanged', { service, found: status.words || 'an error' })
  if (answer.status >= 400)
    throw new CpcsError('UpstreamChanged', { service, found: `status ${answer.status}: ${inOneLine(text)}` })
  if (!/<(\w+:)?VOTABLE[\s>]/.test(text)) throw new Error(`${service} sent no VOTable but ${inOneLine(text)}`)
  if (!/<\/(\w+:)?VOTABLE>\s*$/.test(text)) throw new Error(`the answer of ${service} breaks off`)
  if (!status) throw new Error(`the answer of ${service} does not say whether it is whole`)
  return { table: decodeVotable(text)[0], overflow: status.value === 'OVERFLOW' }
}

/** The last QUERY_STATUS counts: that rows are missing is told behind the table (DALI 1.1, 4.4). */
function queryStatus(text: string): { value: string; words: string } | undefined {
  let last: { value: string; words: string } | undefined
  for (const [, attributes, words = ''] of text.matchAll(
    /<(?:\w+:)?INFO\b([^>]*?)(?:\/>|>([\s\S]*?)<\/(?:\w+:)?INFO>)/g,
  )) {
    if (!/name\s*=\s*["']QUERY_STATUS["']/.test(attributes)) continue
    last = { value: /value\s*=\s*["'](\w+)["']/.exec(attributes)?.[1].toUpperCase() ?? '', words: inOneLine(words) }
  }
  return last
}

/** The beginning of a text without marks, for the sentence of an error. */
function inOneLine(text: string): string {
  return text
    .replace(/<!\[CDATA\[|\]\]>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200)
}

function textOf({ body }: WebAnswer): string {
  return new TextDecoder().decode(body)
}
