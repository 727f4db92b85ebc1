import type { Detections, Frame } from '#shared/image/frame.ts'
import { injectStars, summariseInjection } from '#shared/photometry/injection.ts'
import type { KnownStars } from '#shared/photometry/known-stars.ts'
import type { MeasuredFrame } from '#shared/photometry/measure-stars.ts'
import { drawRecovery } from '#shared/photometry/recovery-plot.ts'
import type { Log, ObjectStore } from '#shared/store.ts'

/**
 * Check the limits of a frame with stars put into it; leaves `injection.json` (the summary, and each star in 0-based
 * pixels and ADU) and `injection.png`.
 *
 * @param seed the frame's identity
 * @returns key of `injection.json`; undefined where no star fits into the frame
 */
export async function checkLimits(
  { frame, measured, detections, known }: Injectable,
  wanted: number,
  seed: string,
  products: string,
  { store, log }: { store: ObjectStore; log: Log },
): Promise<string | undefined> {
  const injection = injectStars(measured, frame, detections, known, wanted, seed)
  const summary = summariseInjection(injection)
  log.info('stars were injected', { wanted, stars: summary.stars, half3SigmaMag: summary.half3SigmaMag })
  if (summary.stars === 0) return undefined
  const columns = Object.entries(injection).map(([name, values]) => [name, Array.from(values as Float64Array)])
  const key = `${products}/injection.json`
  const text = JSON.stringify({ ...summary, each: Object.fromEntries(columns) })
  await store.put(key, new TextEncoder().encode(text), { contentType: 'application/json' })
  await store.put(`${products}/injection.png`, drawRecovery(summary), { contentType: 'image/png' })
  return key
}

/** A measured frame and what it was measured from. */
export interface Injectable {
  frame: Frame
  measured: MeasuredFrame
  detections: Detections
  known?: KnownStars
}
