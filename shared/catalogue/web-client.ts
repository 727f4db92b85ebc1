import { setTimeout as pause } from 'node:timers/promises'
import { PIPELINE_VERSION } from '#shared/version.ts'

/** Time as the client sees it; tests hand in their own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  sleep(ms: number): Promise<void>
  /** Aborts when so many milliseconds have passed. */
  deadline(ms: number): AbortSignal
}

export const systemClock: Clock = { now: Date.now, sleep: ms => pause(ms), deadline: AbortSignal.timeout }

/** How a client treats a service. */
export interface Manners {
  /** Between the starts of two requests to one host, ms. */
  pauseMs: number
  /** Requests to one host that are under way at once. */
  atOnce: number
  /** Tries of one request, the first one counted. */
  attempts: number
  /** An answer must have come whole within this, ms. */
  timeoutMs: number
}

/** For archives that work for each answer (autophot's default: a quarter of a second between two requests). */
export const ARCHIVE_MANNERS: Manners = { pauseMs: 250, atOnce: 2, attempts: 4, timeoutMs: 180_000 }
/** For stores of files that are made to be read by many. */
export const FILE_MANNERS: Manners = { pauseMs: 10, atOnce: 6, attempts: 4, timeoutMs: 60_000 }

const FIRST_WAIT_MS = 2000
/** A service that asks for more patience than this is not waited for within a stage: the machine tries again later. */
const LONGEST_WAIT_MS = 60_000
const COME_AGAIN = new Set([408, 425, 429, 500, 502, 503, 504])

export interface WebAnswer {
  status: number
  headers: Headers
  body: Uint8Array
}

export interface WebRequest {
  method?: string
  headers?: Record<string, string>
  body?: string
  /** Give a redirection back instead of following it. */
  manualRedirect?: boolean
}

/**
 * Asks services of the web, with manners: requests to one host keep their distance, failures are tried again after
 * growing pauses, and `Retry-After` is honoured.
 */
export class WebClient {
  readonly #manners: Manners
  readonly #clock: Clock
  readonly #fetch: typeof fetch
  readonly #hosts = new Map<string, Host>()

  constructor(manners: Manners, clock: Clock = systemClock, fetcher: typeof fetch = fetch) {
    this.#manners = manners
    this.#clock = clock
    this.#fetch = fetcher
  }

  get clock(): Clock {
    return this.#clock
  }

  /**
   * Ask, and take the whole answer.
   *
   * @returns an answer that is final: success, redirection or a refusal that another try would not change
   * @throws {Error} no whole answer after all tries; says what came instead
   */
  async ask(url: string, request: WebRequest = {}): Promise<WebAnswer> {
    const { host } = new URL(url)
    let wait = FIRST_WAIT_MS
    for (let attempt = 1; ; attempt++) {
      const { answer, fault } = await this.#try(url, request)
      if (answer && !COME_AGAIN.has(answer.status)) return answer
      const what = answer ? `${host} answered ${answer.status}` : `${host}: ${fault}`
      if (attempt >= this.#manners.attempts) throw new Error(`${what} at the last of ${attempt} tries`)
      const asked = answer && retryAfterMs(answer.headers.get('retry-after'), this.#clock.now())
      if (asked !== undefined && asked > LONGEST_WAIT_MS)
        throw new Error(`${what} and asks to be left alone for ${Math.round(asked / 1000)} s`)
      await this.#clock.sleep(Math.max(asked ?? 0, wait))
      wait *= 2
    }
  }

  async #try(url: string, request: WebRequest): Promise<{ answer?: WebAnswer; fault?: string }> {
    const host = this.#hostOf(url)
    await host.enter()
    try {
      const answer = await this.#fetch(url, {
        method: request.method ?? 'GET',
        // as it is: a length that was compressed on the way proves nothing
        headers: { 'user-agent': `CPCS/${PIPELINE_VERSION}`, 'accept-encoding': 'identity', ...request.headers },
        body: request.body,
        redirect: request.manualRedirect ? 'manual' : 'follow',
        signal: this.#clock.deadline(this.#manners.timeoutMs),
      })
      const body = new Uint8Array(await answer.arrayBuffer())
      const announced = answer.headers.get('content-length')
      const isWhole = announced === null || request.method === 'HEAD' || Number(announced) === body.length
      if (!isWhole) return { fault: `the answer breaks off after ${body.length} of ${announced} bytes` }
      return { answer: { status: answer.status, headers: answer.headers, body } }
    } catch (error) {
      return { fault: inWords(error, this.#manners.timeoutMs) }
    } finally {
      host.leave()
    }
  }

  #hostOf(url: string): Host {
    const { host } = new URL(url)
    const known = this.#hosts.get(host) ?? new Host(this.#manners, this.#clock)
    this.#hosts.set(host, known)
    return known
  }
}

/** Requests to one host: so many at once, and each a little after the one before. */
class Host {
  readonly #manners: Manners
  readonly #clock: Clock
  readonly #waiting: (() => void)[] = []
  #free: number
  #next = 0

  constructor(manners: Manners, clock: Clock) {
    this.#manners = manners
    this.#clock = clock
    this.#free = manners.atOnce
  }

  async enter(): Promise<void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    const now = this.#clock.now()
    const at = Math.max(now, this.#next)
    this.#next = at + this.#manners.pauseMs
    if (at > now) await this.#clock.sleep(at - now)
  }

  leave(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free++
  }
}

/** `Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(value: string | null, now: number): number | undefined {
  if (value === null) return undefined
  if (/^\s*\d+\s*$/.test(value)) return 1000 * Number(value)
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

function inWords(error: unknown, timeoutMs: number): string {
  const { name, message, cause } = error as Error
  if (name === 'TimeoutError' || name === 'AbortError') return `no whole answer within ${timeoutMs / 1000} s`
  const deeper = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : undefined
  return deeper ? `${message} (${deeper})` : message
}
