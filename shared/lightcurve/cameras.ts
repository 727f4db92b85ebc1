import type { CameraFrame } from '#events/camera.ts'
import type { Key, Table } from './table.ts'

/** So many frames of a camera are looked at, the latest exposures first: enough for a colour term, and one short read. */
const REMEMBERED_FRAMES = 200

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

  /** What the latest frames of a camera told, latest exposure first, all versions of each. */
  async frames(camera: CameraId): Promise<CameraFrame[]> {
    return this.#table.query<CameraFrame>(partitionOf(camera), { newestFirst: true, limit: REMEMBERED_FRAMES })
  }
}

/** The key of an entry: by time of the exposure, so that the order of arrival does not matter. */
function keyOf(frame: CameraFrame): Key {
  const { mjdUtcMid, frameId, pipelineVersion } = frame
  return { pk: partitionOf(frame), sk: `${mjdUtcMid.toFixed(8).padStart(14, '0')}#${frameId}#${pipelineVersion}` }
}

function partitionOf({ telescope, camera, filterName }: CameraId): string {
  return ['CAMERA', telescope, camera ?? '', filterName ?? ''].map(part => part.replaceAll('#', '_')).join('#')
}
