import { drawPieces } from '#shared/image/line-kernels.ts'
import { assemble } from '#shared/numeric/wasm.ts'
import { apertureKernels } from './aperture-kernels.ts'
import { areSound, markSound, putTogether, raise, takeSky } from './frame-kernels.ts'
import { moffat } from './moffat-kernel.ts'
import { fitSample, weighSample } from './psf-kernels.ts'
import { searchKernels } from './search-kernels.ts'
import { skyKernels } from './sky-kernels.ts'
import { paint, pair, shape, weigh } from './stamp-kernels.ts'
import { compose, laplacian, mix, sample, spread } from './table-kernels.ts'

const PAGE_BYTES = 65_536
const ALIGN_BYTES = 16

const frameKernels = { areSound, markSound, takeSky, putTogether, drawPieces, raise }
const stampKernels = { mix, sample, laplacian, paint, weigh, pair, shape }
const psfKernels = { moffat, spread, compose, fitSample, weighSample }
const kernels = { ...apertureKernels, ...stampKernels, ...psfKernels, ...searchKernels, ...skyKernels, ...frameKernels }
type KernelName = keyof typeof kernels

/** Pixels and tables that the kernels work on, and the kernels themselves. */
export class KernelMemory {
  readonly kernels: Record<KernelName, (...values: number[]) => void>
  readonly #buffer: ArrayBuffer
  #used = ALIGN_BYTES

  /** @param bytes all that will be asked for; memory that is not touched costs nothing */
  constructor(bytes: number) {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) + 1 })
    module ??= new WebAssembly.Module(assemble(kernels))
    const instance = new WebAssembly.Instance(module, { env: { memory } })
    this.kernels = instance.exports as Record<KernelName, (...values: number[]) => void>
    this.#buffer = memory.buffer as ArrayBuffer
  }

  /**
   * Room for numbers of single precision: a view, and its address for the kernels (`byteOffset` of the view).
   *
   * @throws {RangeError} where the memory is full
   */
  floats(count: number): Float32Array {
    return new Float32Array(this.#buffer, this.#take(4 * count), count)
  }

  whole(count: number): Int32Array {
    return new Int32Array(this.#buffer, this.#take(4 * count), count)
  }

  bytes(count: number): Uint8Array {
    return new Uint8Array(this.#buffer, this.#take(count), count)
  }

  /** How much is used: what is taken after can be given back by {@link release}. */
  mark(): number {
    return this.#used
  }

  release(mark: number): void {
    this.#used = mark
  }

  #take(bytes: number): number {
    const start = this.#used
    // Kernels read four numbers at a time, so up to three beyond the end.
    this.#used += Math.ceil(bytes / ALIGN_BYTES + 1) * ALIGN_BYTES
    if (this.#used > this.#buffer.byteLength) throw new RangeError('the memory of the kernels is full')
    return start
  }
}

let module: WebAssembly.Module | undefined
