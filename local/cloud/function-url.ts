import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { LambdaFunction } from './functions.ts'

/** `Cors` of an `AWS::Lambda::Url`. */
export interface Cors {
  AllowOrigins?: string[]
  AllowMethods?: string[]
  AllowHeaders?: string[]
  ExposeHeaders?: string[]
  AllowCredentials?: boolean
  MaxAge?: number
}

/** Largest body of a request, bytes. */
const MAX_BODY_BYTES = 6 * 1024 * 1024

/** Serve a function over HTTP as a Lambda Function URL does: payload format 2.0. */
export function functionUrl(target: LambdaFunction, cors?: Cors): RequestListener {
  return (request, response) => {
    serve(target, cors, request, response).catch(error => {
      if (!response.headersSent) response.writeHead(502, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ message: 'Internal Server Error', local: String((error as Error).message) }))
    })
  }
}

async function serve(
  target: LambdaFunction,
  cors: Cors | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (cors) allowOrigins(cors, request, response)
  if (cors && request.method === 'OPTIONS' && request.headers['access-control-request-method']) {
    response.writeHead(200).end()
    return
  }
  const body = await readBody(request)
  if (body === undefined) {
    response.writeHead(413, { 'content-type': 'application/json' }).end('{"message":"Request Too Long"}')
    return
  }
  write(response, await target.invoke(requestEvent(request, body)))
}

/** The event of payload format 2.0. */
function requestEvent(request: IncomingMessage, body: Buffer): object {
  const [rawPath, rawQueryString = ''] = (request.url ?? '/').split('?')
  const { cookie, ...headers } = request.headers
  const query: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(rawQueryString)) {
    query[name] = name in query ? `${query[name]},${value}` : value
  }
  const isText = /^(text\/|application\/(json|xml|javascript|x-www-form-urlencoded))/.test(
    headers['content-type'] ?? '',
  )
  const now = new Date()
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    ...(cookie && { cookies: cookie.split(/;\s*/) }),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    ...(rawQueryString && { queryStringParameters: query }),
    requestContext: {
      accountId: 'anonymous',
      apiId: 'local',
      domainName: request.headers.host ?? '127.0.0.1',
      domainPrefix: 'local',
      http: {
        method: request.method,
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: '127.0.0.1',
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: now.toISOString(),
      timeEpoch: now.getTime(),
    },
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  }
}

interface Answer {
  statusCode?: number
  headers?: Record<string, string | number | boolean>
  body?: string
  isBase64Encoded?: boolean
  cookies?: string[]
}

/** An answer without statusCode is the body itself, as JSON. */
function write(response: ServerResponse, answer: unknown): void {
  if (typeof answer !== 'object' || answer === null || !('statusCode' in answer)) {
    const body = typeof answer === 'string' ? answer : JSON.stringify(answer ?? null)
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    return
  }
  const { statusCode = 200, headers = {}, body = '', isBase64Encoded, cookies } = answer as Answer
  response.setHeader('content-type', 'application/json')
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, String(value))
  if (cookies) response.setHeader('set-cookie', cookies)
  response.writeHead(statusCode).end(Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'))
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += (chunk as Buffer).length
    if (length <= MAX_BODY_BYTES) chunks.push(chunk as Buffer)
  }
  return length > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks)
}

function allowOrigins(cors: Cors, request: IncomingMessage, response: ServerResponse): void {
  const origin = request.headers.origin
  const allowed = cors.AllowOrigins ?? []
  if (origin === undefined || !(allowed.includes('*') || allowed.includes(origin))) return
  response.setHeader('access-control-allow-origin', allowed.includes('*') ? '*' : origin)
  const lists = { methods: cors.AllowMethods, headers: cors.AllowHeaders } as const
  for (const [what, list] of Object.entries(lists)) {
    if (list) response.setHeader(`access-control-allow-${what}`, list.join(','))
  }
  if (cors.ExposeHeaders) response.setHeader('access-control-expose-headers', cors.ExposeHeaders.join(','))
  if (cors.AllowCredentials) response.setHeader('access-control-allow-credentials', 'true')
  if (cors.MaxAge !== undefined) response.setHeader('access-control-max-age', String(cors.MaxAge))
}
