import { type Answer, json, Refusal, type Request } from './http.ts'
import { type ApiDeps, type Asked, routes } from './routes.ts'

/**
 * Answer one request. What is wrong with it is told in a sentence; what goes wrong here is thrown, so that it is
 * counted and logged.
 */
export async function answer(request: Request, deps: ApiDeps): Promise<Answer> {
  const { method } = request.requestContext.http
  for (const route of routes) {
    const match = request.rawPath.match(route.path)
    if (!match || route.method !== (method === 'HEAD' ? 'GET' : method)) continue
    try {
      return await route.answer(askedBy(request, match.slice(1)), deps)
    } catch (error) {
      if (error instanceof Refusal) return json({ error: error.message }, error.statusCode)
      throw error
    }
  }
  return json({ error: `${method} is not answered here.` }, 405)
}

function askedBy(request: Request, parts: string[]): Asked {
  return {
    parts: parts.map(part => decoded(part ?? '')),
    query: new URLSearchParams(request.rawQueryString ?? ''),
    body: bodyOf(request),
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new Refusal(400, 'The address is not well formed.')
  }
}

function bodyOf({ body, isBase64Encoded }: Request): unknown {
  if (!body) return undefined
  try {
    return JSON.parse(isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body)
  } catch {
    throw new Refusal(400, 'The body is not JSON.')
  }
}
