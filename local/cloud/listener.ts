import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An HTTP server whose address is known before it is known what it serves. */
export interface Listener {
  /** Without closing slash. */
  readonly url: string
  serve(listener: RequestListener): void
  close(): Promise<void>
}

/** Listen to this machine only; answers 503 until it is told what to serve. */
export async function listen(port = 0): Promise<Listener> {
  let serve: RequestListener = (_, response) => void response.writeHead(503).end('The local cloud is starting.')
  const server = createServer((request, response) => serve(request, response))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: listener => {
      serve = listener
    },
    close: () => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}
