import type { RequestListener } from 'node:http'
import type { Executions } from './executions.ts'
import { type Run, summaryOf, visitsOf } from './runs.ts'

/** Paths below this are answered by the local cloud itself, not by the function behind the URL. */
export const LOCAL_PREFIX = '/local/'

/**
 * The runs over HTTP, for pages and scripts:
 *
 * - `GET /local/runs?frame=…&status=…&limit=…` the newest first, without history
 * - `GET /local/runs/<name>` one run with its visits to states: input, output, attempts, error
 */
export function runsEndpoint(executions: Executions): RequestListener {
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://local')
    const name = /^\/local\/runs\/([^/]+)$/.exec(url.pathname)?.[1]
    const answer = (status: number, body: unknown) =>
      response
        .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
        .end(JSON.stringify(body))

    if (request.method !== 'GET') return answer(405, { message: 'Only GET.' })
    if (url.pathname === '/local/runs') {
      const runs = executions.list().filter(run => wanted(run, url.searchParams))
      return answer(200, { runs: runs.slice(0, Number(url.searchParams.get('limit') ?? 200)).map(summaryOf) })
    }
    const run = name && executions.list().find(candidate => candidate.name === decodeURIComponent(name))
    if (!run) return answer(404, { message: 'There is no such run.' })
    return answer(200, { ...summaryOf(run), states: visitsOf(run) })
  }
}

function wanted(run: Run, query: URLSearchParams): boolean {
  const frame = query.get('frame')
  const status = query.get('status')
  const frameId = (run.input as { frameId?: unknown } | null)?.frameId
  return (
    (frame === null || (typeof frameId === 'string' && frameId.startsWith(frame))) &&
    (status === null || run.status === status)
  )
}
