import { expect, test } from 'vitest'
import { solutionErrorMas } from '#shared/astrometry/sip-fit.ts'
import { random } from '#shared/numeric/random.ts'
import { madSigma } from '#shared/numeric/robust.ts'
import type { KnownStars } from '#shared/photometry/known-stars.ts'
import { SceneStars } from '#shared/photometry/scene-stars.ts'
import { tieToSurvey } from '#shared/photometry/sky-tie.ts'

const FRAME = { width: 2000, height: 1500, fwhmPx: 4, scaleDeg: 0.6 / 3600 }

/** By how much places of the PSF lie off those of the solution: a coma of a few hundredths of a pixel. */
const coma = (x: number, y: number): [number, number] => {
  const [u, v] = [x / 1000 - 1, y / 750 - 1]
  return [0.02 + 0.04 * u * (u * u + v * v), -0.03 * v * (u * u + v * v)]
}

/** Stars whose places scatter by their errors and by a floor about where coma puts them. */
function field(count: number, floorPx: number, seed: string): { stars: SceneStars; known: KnownStars } {
  const draw = random(seed)
  const stars = new SceneStars(count)
  const [x, y] = [new Float64Array(count), new Float64Array(count)]
  for (let i = 0; i < count; i++) {
    x[i] = 2000 * draw.uniform()
    y[i] = 1500 * draw.uniform()
    const error = 0.003 * 10 ** (1.5 * draw.uniform())
    const [dx, dy] = coma(x[i], y[i])
    const scatter = Math.hypot(error, floorPx)
    const star = stars.add(x[i] - dx + scatter * draw.normal(), y[i] - dy + scatter * draw.normal())
    stars.flux[star] = 1000 / error
    stars.fluxErr[star] = 1000
    stars.xErr[star] = stars.yErr[star] = error
  }
  const flat = () => new Float64Array(count)
  return { stars, known: { x, y, errorPx: flat(), mag: flat(), colour: flat() } }
}

const errorPx = (stars: SceneStars) => (star: number) => stars.xErr[star]

test('coma between the PSF and the solution is taken out, and what all places scatter by besides is found', () => {
  const floors: number[] = []
  const offs: number[] = []
  for (let seed = 0; seed < 8; seed++) {
    const { stars, known } = field(600, 0.01, `tie ${seed}`)
    const tie = tieToSurvey(stars, known, errorPx(stars), FRAME)
    if (!tie) throw new Error('no tie')
    floors.push(tie.floorPx)
    for (const [x, y] of [
      [1000, 750],
      [300, 200],
      [1700, 900],
    ]) {
      const [dx, dy] = tie.shiftAt(x, y)
      const [trueX, trueY] = coma(x, y)
      const claimedPx = solutionErrorMas(tie.covariance, x, y) / 600
      offs.push((dx - trueX) / claimedPx, (dy - trueY) / claimedPx)
    }
  }
  // 60 stars of two axes tell each floor to one part in eleven.
  for (const floor of floors) expect(Math.abs(floor - 0.01)).toBeLessThan(0.004)
  // 48 shifts over their claimed errors scatter by 1, known to a part in eight.
  expect(madSigma(offs, 0)).toBeGreaterThan(0.6)
  expect(madSigma(offs, 0)).toBeLessThan(1.4)
})

test('where nothing scatters beyond the errors, nothing is added to them', () => {
  const { stars, known } = field(600, 0, 'no floor')
  expect(tieToSurvey(stars, known, errorPx(stars), FRAME)?.floorPx).toBeLessThan(0.002)
})

test('a few stars tie nothing', () => {
  const { stars, known } = field(19, 0, 'few')
  expect(tieToSurvey(stars, known, errorPx(stars), FRAME)).toBeUndefined()
})
