import type { CoarseMap } from '#shared/image/coarse-map.ts'
import { type Frame, MASK } from '#shared/image/frame.ts'
import { KernelMemory } from './kernel-memory.ts'

/** Room beside the planes: two PSFs, the stars they are learnt from, the stamps of two fitters, and rows of the search. */
const ARENA_BYTES = 64e6
const ARENA_BYTES_PER_COLUMN = 1000

/** The planes of a scene, where the kernels can work on them. A frame may be read right into `pixels` and `mask`. */
export class ScenePlanes {
  readonly memory: KernelMemory
  readonly pixels: Float32Array
  readonly residual: Float32Array
  readonly sky: Float32Array
  /** Bytes from a pixel of `pixels` to that of `residual`, and from there to that of `sky`. */
  readonly planeBytes: number
  readonly usable: Uint8Array
  readonly mask: Uint8Array

  constructor(width: number, height: number) {
    const count = width * height
    this.memory = new KernelMemory(14 * count + ARENA_BYTES + ARENA_BYTES_PER_COLUMN * width)
    this.pixels = this.memory.floats(count)
    this.residual = this.memory.floats(count)
    this.sky = this.memory.floats(count)
    this.planeBytes = this.residual.byteOffset - this.pixels.byteOffset
    this.usable = this.memory.bytes(count)
    this.mask = this.memory.bytes(count)
  }

  /** Move a frame's pixels and mask here, so that they are not kept twice. */
  take(frame: Frame): void {
    this.pixels.set(frame.pixels)
    this.mask.set(frame.mask)
    frame.pixels = this.pixels
    frame.mask = this.mask
  }

  /** The room of residual and sky, for whoever has no more use for them. */
  spare(): Uint8Array {
    return new Uint8Array(this.residual.buffer, this.residual.byteOffset, 2 * this.planeBytes)
  }
}

/** Which squares of a frame have a pixel that takes no part in fits. */
export class Flaws {
  readonly #columns: number
  readonly #rows: number
  readonly #flawed: Uint8Array

  constructor(width: number, height: number, memory: KernelMemory, usable: Uint8Array) {
    this.#columns = Math.ceil(width / FLAW_PX)
    this.#rows = Math.ceil(height / FLAW_PX)
    this.#flawed = new Uint8Array(this.#columns * this.#rows)
    const mark = memory.mark()
    const sound = memory.whole(this.#columns)
    for (let row = 0; row < this.#rows; row++) {
      const first = usable.byteOffset + row * FLAW_PX * width
      const high = Math.min(FLAW_PX, height - row * FLAW_PX)
      memory.kernels.areSound(first, width, high, this.#columns, sound.byteOffset)
      for (let c = 0; c < this.#columns; c++) this.#flawed[row * this.#columns + c] = sound[c] === 0 ? 1 : 0
    }
    memory.release(mark)
  }

  /** Whether there may be such a pixel near a place. */
  near(x: number, y: number, radius: number): boolean {
    const at = (place: number, most: number) => Math.min(Math.max(Math.floor(place / FLAW_PX), 0), most - 1)
    const [left, right] = [at(x - radius, this.#columns), at(x + radius, this.#columns)]
    const [low, high] = [at(y - radius, this.#rows), at(y + radius, this.#rows)]
    for (let r = low; r <= high; r++) {
      for (let c = left; c <= right; c++) if (this.#flawed[r * this.#columns + c]) return true
    }
    return false
  }
}
/** Side of such a square, pixel: two loads of the kernel. */
export const FLAW_PX = 32

/**
 * Draw a map row by row.
 *
 * @param into place of a row in the memory of the kernels, bytes, with room for three numbers behind it
 * @param drawn is told of each row when it is there
 */
export function drawMap(
  memory: KernelMemory,
  map: CoarseMap,
  into: (y: number) => number,
  drawn: (y: number) => void = () => {},
): void {
  const mark = memory.mark()
  const { starts, part } = map.pieces
  const pieces = starts.length - 1
  const cubics = memory.floats(4 * pieces)
  const first = memory.whole(starts.length)
  const place = memory.floats(part.length)
  first.set(starts)
  place.set(part)
  const [from, where, at] = [first.byteOffset, place.byteOffset, cubics.byteOffset]
  for (let y = 0; y < map.height; y++) {
    map.cubics(y, cubics)
    memory.kernels.drawPieces(from, at, pieces, where, map.floor, into(y))
    drawn(y)
  }
  memory.release(mark)
}

/** Mark the pixels that may enter a fit: not masked, finite, below saturation, and no neighbour of a saturated one. */
export function markUsable(frame: Frame, { memory, usable }: ScenePlanes): Flaws {
  const { width, height, pixels, mask, detector } = frame
  const mark = memory.mark()
  const full: number[] = []
  const sum = memory.floats(1)
  for (let y = 0; y < height; y++) {
    const first = y * width
    memory.kernels.markSound(
      pixels.byteOffset + 4 * first,
      mask.byteOffset + first,
      usable.byteOffset + first,
      width,
      MASK.saturated,
      detector.saturationAdu,
      sum.byteOffset,
    )
    if (sum[0] > 0) full.push(y)
  }
  for (const row of full) spillCharge(frame, row, usable)
  memory.release(mark)
  return new Flaws(width, height, memory, usable)
}

/** Charge spills into the next pixel before the level is reached: the neighbours of a row's saturated pixels go too. */
function spillCharge({ width, height, pixels, mask, detector }: Frame, row: number, usable: Uint8Array): void {
  for (let i = 0, k = row * width; i < width; i++, k++) {
    if ((mask[k] & MASK.saturated) === 0 && !(pixels[k] >= detector.saturationAdu)) continue
    for (let b = Math.max(0, row - 1); b <= Math.min(height - 1, row + 1); b++) {
      usable.fill(0, b * width + Math.max(0, i - 1), b * width + Math.min(width - 1, i + 1) + 1)
    }
  }
}
