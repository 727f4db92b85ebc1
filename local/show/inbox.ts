import { createHash } from 'node:crypto'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import type { Cloud } from '#local/cloud/cloud.ts'
import type { FrameRow } from '#shared/lightcurve/frames.ts'

/** Stages of the machine, as its states are called. */
export const STAGES = ['Standardise', 'Solve', 'Measure', 'Calibrate', 'Record'] as const

/** Called when a frame enters a stage. */
export type StageListener = (stage: string) => void

// Nothing takes so long on a machine that works; what does has been lost.
const PATIENCE_MS = 300_000

/** The inbox of a cloud, seen by a telescope: put a file, hear what becomes of it. */
export class Inbox {
  readonly #cloud: Cloud

  constructor(cloud: Cloud) {
    this.#cloud = cloud
  }

  /**
   * Put a file and wait until its run has ended. A file that went the same way before (the cloud keeps its state) is
   * not put again: nothing would happen.
   *
   * @returns the row of the run, with the outcome
   * @throws {Error} nothing happened to it
   */
  async put(key: string, bytes: Uint8Array, listener: StageListener = () => {}): Promise<FrameRow> {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const before = (await this.#rows(sha256)).find(row => row.raw.key === key && row.outcome !== undefined)
    if (before) return before

    const run = this.#runOf(key, listener)
    const { InboxBucket } = this.#cloud.outputs
    await this.#cloud.clients.s3.send(new PutObjectCommand({ Bucket: InboxBucket, Key: key, Body: bytes }))
    const { name, frameId } = await run
    const row = (await this.#rows(frameId)).find(candidate => candidate.execution === name)
    if (!row) throw new Error(`${key}: the run ${name} left no row`)
    return row
  }

  /** What the service tells of the runs of a frame; nothing of one that it does not know. */
  async #rows(frameId: string): Promise<FrameRow[]> {
    const answer = await fetch(`${this.#cloud.url}/api/frames/${frameId}`)
    return answer.ok ? ((await answer.json()) as { runs: FrameRow[] }).runs : []
  }

  #runOf(key: string, listener: StageListener): Promise<{ name: string; frameId: string }> {
    const { events } = this.#cloud
    return new Promise((resolve, reject) => {
      const patience = setTimeout(() => {
        events.off('run', hear)
        reject(new Error(`${key}: no outcome within ${PATIENCE_MS / 1000} s`))
      }, PATIENCE_MS)
      const hear: Parameters<typeof events.on<'run'>>[1] = ({ run, record }) => {
        const input = run.input as { frameId: string; raw: { key: string } }
        if (input.raw?.key !== key) return
        if (record.type === 'entered') listener(record.state)
        if (record.type !== 'ended') return
        events.off('run', hear)
        clearTimeout(patience)
        resolve({ name: run.name, frameId: input.frameId })
      }
      events.on('run', hear)
    })
  }
}
