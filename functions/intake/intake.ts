import { createHash } from 'node:crypto'
import type { FrameReceived } from '#events/stages.ts'
import type { Frames } from '#shared/lightcurve/frames.ts'
import type { Log } from '#shared/store.ts'

/** An object that came into the inbox, as a notification of S3 tells of it. */
export interface Arrival {
  bucket: string
  /** Decoded. */
  key: string
  /** Time of the notification, ISO 8601 UTC. */
  at: string
  /** As far as the notification says. */
  version?: string
}

/** What reading an object gave; version is its version id or, in a bucket without versions, its ETag. */
export interface Digest {
  sha256: string
  version: string
}

export interface IntakeDeps {
  /** Read an object to its end; undefined where it is gone. @throws {CpcsError} StoreUnavailable */
  digest: (key: string) => Promise<Digest | undefined>
  /** Start the machine; an execution of that name that is there already is as good. */
  start: (execution: string, frame: FrameReceived) => Promise<'started' | 'there already'>
  frames: Frames
  log: Log
}

const HOURS_FROM_NOON_TO_MIDNIGHT = 12

/**
 * Take in one object: find out who it is from its bytes and start its way through the machine under a name that the
 * same object always gets, so that a second notification ends here.
 *
 * @throws {CpcsError} StoreUnavailable, TableUnavailable: the message comes again
 */
export async function takeIn(arrival: Arrival, { digest, start, frames, log }: IntakeDeps): Promise<void> {
  const { bucket, key, at } = arrival
  const telescope = telescopeOf(key)
  const night = nightOf(at)
  const read = await digest(key)
  const execution = executionName(telescope, night, [bucket, key, read?.version ?? arrival.version ?? ''])

  if (!read) {
    // what was here is unknown for ever: its place stands in for the bytes, so that it has an outcome all the same
    const frame = {
      frameId: sha256(`${bucket}/${key}/${arrival.version ?? ''}`),
      raw: { bucket, key },
      telescope,
      night,
    }
    const reason = `The object ${key} was deleted before it could be read.`
    await frames.received(frame, execution, at)
    await frames.ended(frame, execution, at, { outcome: 'rejected', stage: 'intake', error: 'ObjectMissing', reason })
    log.warn(reason, { execution })
    return
  }

  const frame: FrameReceived = { frameId: read.sha256, raw: { bucket, key }, telescope, night }
  await frames.received(frame, execution, at)
  const outcome = await start(execution, frame)
  log.info(`frame ${outcome}`, { execution, key, frameId: frame.frameId })
}

/** The telescope is the first folder of the key: each writes below a prefix of its own. */
export function telescopeOf(key: string): string {
  const slash = key.indexOf('/')
  return slash > 0 ? key.slice(0, slash) : 'unknown'
}

/** The night by the date of the noon before, UTC: what is taken after midnight belongs to the evening. */
export function nightOf(at: string): string {
  const noon = new Date(Date.parse(at) - HOURS_FROM_NOON_TO_MIDNIGHT * 3_600_000)
  return noon.toISOString().slice(0, 10).replaceAll('-', '')
}

/**
 * The name of an execution: readable in front, unmistakable behind. Step Functions takes 80 characters of a plain
 * alphabet, once.
 */
export function executionName(telescope: string, night: string, identity: string[]): string {
  const plain = telescope.replace(/[^A-Za-z0-9_]+/g, '_').slice(0, 38)
  return `${plain}-${night}-${sha256(identity.join('\n')).slice(0, 32)}`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
