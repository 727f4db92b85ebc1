import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { receive } from '#cli/pipeline.ts'
import type { StandardHeader } from '#events/frame.ts'
import type { StandardiseOutput, Target } from '#events/stages.ts'
import { type SolveDeps, solve } from '#functions/solve/solve.ts'
import { standardise } from '#functions/standardise/standardise.ts'
import { CpcsError } from '#shared/errors.ts'
import { MemoryStore } from '#shared/folder-store.ts'
import { median } from '#shared/numeric/robust.ts'
import { skyToPixel } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { silent } from '#shared/store.ts'

/** A frame after standardise, ready to be solved again and again. */
export interface Ready {
  image: Uint8Array
  output: StandardiseOutput
}

/** What became of one solve. */
export interface Outcome {
  solved: boolean
  wcs?: Wcs
  matched?: number
  medianResidualPx?: number
  error?: string
  /** The frame with its coordinates, and the file of its detections. */
  frame?: Uint8Array
  detections?: Uint8Array
  /** Wall clock and processor time of the whole stage. */
  seconds: number
  cpuSeconds: number
}

/** Standardise a frame in memory. */
export async function ready(path: string): Promise<Ready> {
  const bytes = new Uint8Array(readFileSync(path))
  const received = receive(path, bytes)
  const raw = new MemoryStore()
  await raw.put(received.raw.key, bytes)
  const store = new MemoryStore()
  const output = await standardise(received, { raw, store, log: silent })
  return { image: await store.get(output.image), output }
}

/**
 * Solve a frame with what is changed of its header.
 *
 * @param registered targets that the frame may show
 */
export async function trySolve(
  { image, output }: Ready,
  header: Partial<StandardHeader>,
  deps: Pick<SolveDeps, 'tiles' | 'quads' | 'blind'>,
  registered: Target[] = [],
): Promise<Outcome> {
  const store = new MemoryStore()
  await store.put(output.image, image)
  const targets = { inCone: async () => registered, candidates: async () => registered }
  const input = { ...output, header: { ...output.header, ...header } }
  const start = performance.now()
  const before = process.cpuUsage()
  const took = () => {
    const { user, system } = process.cpuUsage(before)
    return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 }
  }
  try {
    const { solution, wcs, detections } = await solve(input, { store, targets, log: silent, ...deps })
    const spent = took()
    const found = JSON.parse(new TextDecoder().decode(await store.get(solution))).wcs as Wcs
    const { matchedStars: matched, medianResidualPx } = wcs
    const files = { frame: await store.get(output.image), detections: await store.get(detections) }
    return { solved: true, wcs: found, matched, medianResidualPx, ...files, ...spent }
  } catch (error) {
    if (!(error instanceof CpcsError) || error.policy !== 'reject') throw error
    return { solved: false, error: error.name, ...took() }
  }
}

/** Where a simulator's stars stand in the frame and on the sky. */
export interface TruePlaces {
  x: number[]
  y: number[]
  raDeg: number[]
  decDeg: number[]
  /** ADU. */
  flux: number[]
}

/** The stars of a simulated frame's `truth.csv`. */
export function truePlaces(folder: string): TruePlaces {
  const [head, ...lines] = readFileSync(join(folder, 'truth.csv'), 'utf8').trimEnd().split('\n')
  const names = head.split(',')
  const rows = lines.map(line => line.split(',')).filter(cells => cells[names.indexOf('type')] !== 'galaxy')
  const column = (name: string) => rows.map(cells => Number(cells[names.indexOf(name)]))
  return { x: column('x'), y: column('y'), raDeg: column('ra'), decDeg: column('dec'), flux: column('flux_adu') }
}

/** Median distance of the true places from where a solution puts their stars, pixel. */
export function offBy(wcs: Wcs, { x, y, raDeg, decDeg }: TruePlaces): number {
  return median(
    raDeg.map((ra, i) => {
      const [atX, atY] = skyToPixel(wcs, ra, decDeg[i])
      return Math.hypot(atX - x[i], atY - y[i])
    }),
  )
}
