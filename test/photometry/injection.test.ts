import { describe, expect, test } from 'vitest'
import { estimateBackground } from '#shared/image/background.ts'
import { random } from '#shared/numeric/random.ts'
import { halfRecovered, injectStars, summariseInjection } from '#shared/photometry/injection.ts'
import { measureStars } from '#shared/photometry/measure-stars.ts'
import { drawRecovery } from '#shared/photometry/recovery-plot.ts'
import { detectionsNear, latticeStars, renderFrame, type Sky } from './rendered-frame.ts'

describe('where half of the stars are recovered', () => {
  const trial = (bias: number) => {
    const draw = random('recovery')
    const injected = Float64Array.from({ length: 4000 }, () => 3 * 10 ** (0.4 * (2.5 * draw.uniform() - 1)))
    const error = injected.map(() => 1)
    const significance = injected.map(flux => flux * bias + draw.normal())
    return halfRecovered(injected, error, significance, 3)!
  }

  test('is the limit itself where the errors are true', () => {
    const half = trial(1)
    expect(Math.abs(half.mag)).toBeLessThan(3 * half.error)
    expect(half.error).toBeLessThan(0.03)
  })

  test('is brighter where light is lost, by as much', () => {
    const half = trial(0.8)
    expect(Math.abs(half.mag - 2.5 * Math.log10(0.8))).toBeLessThan(3 * half.error)
  })

  test('is not told where every star was seen', () => {
    const bright = Float64Array.from({ length: 50 }, () => 100)
    expect(halfRecovered(bright, bright.fill(1), bright.fill(50), 3)).toBeUndefined()
  })
})

describe('stars put into a frame', () => {
  const sky: Sky = { width: 420, height: 420, fwhmPx: 3, beta: 3, skyAdu: 350, gain: 1.5, readNoise: 6, seed: 41 }
  const field = latticeStars(sky, 42, 4_000, 60_000)
  const frame = renderFrame(sky, field)
  const detections = detectionsNear(sky, field)
  const measured = measureStars(frame, estimateBackground(frame).level, detections)
  const inject = (seed: string, stars: number) => injectStars(measured, frame, detections, undefined, stars, seed)
  const injection = inject('frame', 150)
  const summary = summariseInjection(injection)

  test('are recovered by halves at the limit that was stated, and measured with true errors', () => {
    expect(summary.stars).toBe(150)
    expect(Math.abs(summary.half3SigmaMag!)).toBeLessThan(0.1 + 2 * summary.half3SigmaErr!)
    expect(Math.abs(summary.half5SigmaMag!)).toBeLessThan(0.1 + 2 * summary.half5SigmaErr!)
    expect(Math.abs(summary.emptyScatter - 1)).toBeLessThan(0.2) // 1 ± 0.08 from their number
    expect(Math.abs(summary.fluxScatter - 1)).toBeLessThan(0.25)
    expect(Math.abs(summary.fluxBias)).toBeLessThan(0.35)
  })

  test('stand apart from the stars of the frame and from each other', () => {
    const { x, y } = injection
    for (let i = 0; i < x.length; i++) {
      for (const star of field) expect(Math.hypot(star.x - x[i], star.y - y[i])).toBeGreaterThan(4)
      for (let j = 0; j < i; j++) expect(Math.hypot(x[j] - x[i], y[j] - y[i])).toBeGreaterThan(6 * sky.fwhmPx)
    }
  })

  test('are the same for the same frame, others for another one', () => {
    const few = inject('frame', 8)
    expect(inject('frame', 8)).toEqual(few)
    expect(inject('other', 8).x[0]).not.toBe(few.x[0])
  })

  test('fall in bins from all recovered to none', () => {
    const { recovery } = summary
    expect(recovery[0].recovered3Sigma / recovery[0].injected).toBe(1)
    const faint = recovery.slice(-3)
    const seen = faint.reduce((sum, bin) => sum + bin.recovered3Sigma, 0)
    expect(seen / faint.reduce((sum, bin) => sum + bin.injected, 0)).toBeLessThan(0.25)
    expect(recovery.reduce((sum, bin) => sum + bin.injected, 0)).toBe(150)
    expect(drawRecovery(summary).length).toBeGreaterThan(2000)
  })
})
