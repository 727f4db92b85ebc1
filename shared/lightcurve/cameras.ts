import type { CameraFrame } from '#events/camera.ts'
import type { Key, Table } from './table.ts'

/**
 * So many frames of a night are looked at, and so many nights before an exposure and after it: enough for a colour term.
 * A camera that takes hundreds of frames a night would fill any number of frames with one night, whose clouds they share.
 */
const FRAMES_OF_A_NIGHT = 12
const NIGHTS = 16

/** What names a camera. */
type CameraId = Pick<CameraFrame, 'telescope' | 'camera' | 'filterName'>

/** What frames told of their cameras. An entry is written once per frame and version, and never changes. */
export class Cameras {
  readonly #table: Table

  constructor(table: Table) {
    this.#table = table
  }

  /** Add what a frame tells of its camera. Told again, it changes nothing. @returns whether it was new */
  async put(frame: CameraFrame): Promise<boolean> {
    return this.#table.putIfAbsent({ ...keyOf(frame), ...frame })
  }

  /**
   * What frames of a camera told around the time of an exposure: of the nights nearest to it some each, all versions.
   * Nights are days of UTC: in some parts of the Earth halves of two nights.
   */
  async frames(camera: CameraId, mjdUtcMid: number): Promise<CameraFrame[]> {
    const [earlier, later] = await Promise.all([
      this.#walk(camera, mjdUtcMid, true),
      this.#walk(camera, mjdUtcMid, false),
    ])
    return [...earlier, ...later]
  }

  async #walk(camera: CameraId, mjdUtcMid: number, back: boolean): Promise<CameraFrame[]> {
    const found: CameraFrame[] = []
    let from = timeKey(mjdUtcMid)
    for (let night = 0; night < NIGHTS; night++) {
      const page = await this.#table.query<CameraFrame>(partitionOf(camera), {
        ...(back ? { before: from } : { after: from }),
        newestFirst: back,
        limit: FRAMES_OF_A_NIGHT,
      })
      found.push(...page)
      if (page.length < FRAMES_OF_A_NIGHT) break
      const day = Math.floor(page[page.length - 1].mjdUtcMid)
      from = timeKey(back ? day : day + 1)
    }
    return found
  }
}

/** The key of an entry: by time of the exposure, so that the order of arrival does not matter. */
function keyOf(frame: CameraFrame): Key {
  const { mjdUtcMid, frameId, pipelineVersion } = frame
  return { pk: partitionOf(frame), sk: `${timeKey(mjdUtcMid)}#${frameId}#${pipelineVersion}` }
}

/** Padded so that text sorts as numbers do. */
function timeKey(mjdUtcMid: number): string {
  return mjdUtcMid.toFixed(8).padStart(14, '0')
}

function partitionOf({ telescope, camera, filterName }: CameraId): string {
  return ['CAMERA', telescope, camera ?? '', filterName ?? ''].map(part => part.replaceAll('#', '_')).join('#')
}
