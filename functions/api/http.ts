/** What of a request to a Function URL (payload format 2.0) is looked at. */
export interface Request {
  rawPath: string
  rawQueryString?: string
  body?: string
  isBase64Encoded?: boolean
  requestContext: { http: { method: string } }
}

export interface Answer {
  statusCode: number
  headers?: Record<string, string>
  body?: string
  isBase64Encoded?: boolean
}

/** A request that cannot be served, with the status and the sentence that tell why. */
export class Refusal extends Error {
  readonly statusCode: number

  constructor(statusCode: number, message: string) {
    super(message)
    this.name = 'Refusal'
    this.statusCode = statusCode
  }
}

/** Light curves grow and frames land while a page is open: what is shown is asked for again. */
const FRESH = { 'cache-control': 'no-cache' }

/** An answer in JSON. */
export function json(value: unknown, statusCode = 200): Answer {
  return { statusCode, headers: { 'content-type': 'application/json', ...FRESH }, body: JSON.stringify(value) }
}

/** An answer that a browser keeps as a file. */
export function file(content: string | Uint8Array, contentType: string, fileName: string): Answer {
  const answer = bytes(typeof content === 'string' ? new TextEncoder().encode(content) : content, contentType)
  return { ...answer, headers: { ...answer.headers, 'content-disposition': `attachment; filename="${fileName}"` } }
}

/** An answer that a browser shows, of the given media type. */
export function bytes(content: Uint8Array, contentType: string): Answer {
  return {
    statusCode: 200,
    headers: { 'content-type': contentType, ...FRESH },
    body: Buffer.from(content).toString('base64'),
    isBase64Encoded: true,
  }
}

/** Send the browser on to another address. */
export function redirect(location: string): Answer {
  return { statusCode: 302, headers: { location, ...FRESH } }
}

const contentTypes: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  json: 'application/json',
  ecsv: 'text/plain; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  fits: 'application/fits',
}

/** The media type of a file, by the end of its name. */
export function contentTypeOf(name: string): string {
  return contentTypes[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
}
