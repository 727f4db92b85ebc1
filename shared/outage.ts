/** What the SDK throws carries the HTTP status, where there was an answer at all. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
}

const throttles = /Throttl|TooManyRequests|SlowDown|RequestLimitExceeded|ProvisionedThroughputExceeded|RequestTimeout/
const broken = /ECONN|ETIMEDOUT|EPIPE|EAI_AGAIN|ENOTFOUND|TimeoutError|NetworkingError|socket hang up|aborted/

/**
 * Whether an error of the SDK says that the service was not there or asked to slow down, so that a later try may
 * succeed. Refused rights and wrong requests are no outage.
 */
export function isOutage(error: unknown): boolean {
  const { name = '', code = '', message = '' } = error as { name?: string; code?: string; message?: string }
  const status = statusOf(error)
  if (status !== undefined && (status >= 500 || status === 429)) return true
  return throttles.test(name) || broken.test(`${name} ${code} ${message}`)
}
