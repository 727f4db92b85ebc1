import { z } from 'zod'
import type { Arrival } from './intake.ts'

const Notification = z.object({
  Records: z.array(
    z.object({
      eventTime: z.iso.datetime({ offset: true }),
      s3: z.object({
        bucket: z.object({ name: z.string() }),
        object: z.object({ key: z.string(), versionId: z.string().optional(), eTag: z.string().optional() }),
      }),
    }),
  ),
})

const TestEvent = z.object({ Event: z.literal('s3:TestEvent') })

/**
 * The objects that a message of the intake queue tells of; none in the test that S3 sends when it is set up.
 *
 * @param body of the message: a notification of S3, whose keys are encoded as in an address, blanks as `+`
 * @throws {Error} the message is no notification: it ends among the dead letters, where an operator looks
 */
export function arrivalsIn(body: string): Arrival[] {
  const message: unknown = JSON.parse(body)
  if (TestEvent.safeParse(message).success) return []
  return Notification.parse(message).Records.map(({ eventTime, s3: { bucket, object } }) => ({
    bucket: bucket.name,
    key: decodeURIComponent(object.key.replaceAll('+', ' ')),
    at: new Date(eventTime).toISOString(),
    version: object.versionId ?? object.eTag,
  }))
}
