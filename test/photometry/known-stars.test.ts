import { describe, expect, test } from 'vitest'
import { estimateBackground } from '#shared/image/background.ts'
import { random } from '#shared/numeric/random.ts'
import { MAD_TO_SIGMA, median } from '#shared/numeric/robust.ts'
import { measureTarget } from '#shared/photometry/forced.ts'
import type { KnownStars } from '#shared/photometry/known-stars.ts'
import { type MeasuredFrame, measureStars } from '#shared/photometry/measure-stars.ts'
import { detectionsNear, latticeStars, renderFrame, type Sky, type TrueStar } from './rendered-frame.ts'

const sky: Sky = { width: 420, height: 420, fwhmPx: 3.1, beta: 3, skyAdu: 400, gain: 1.6, readNoise: 6, seed: 41 }

/** Bright stars for the PSF, and fainter ones with a companion that no search can part from them. */
const lattice = latticeStars(sky, 32, 3_000, 80_000)
const companions: TrueStar[] = []
for (const [i, star] of lattice.entries()) {
  if (i % 3 > 0) continue
  star.flux = 3_000 + 30 * i
  companions.push({ x: star.x + 1.6 * Math.cos(i), y: star.y + 1.6 * Math.sin(i), flux: 900 })
}
const primaries = lattice.filter((_, i) => i % 3 === 0)

/** What a survey would print of stars: other zero point, some scatter, a colour that matters. */
function survey(stars: TrueStar[]): KnownStars {
  const draw = random('survey')
  const colour = Float64Array.from(stars, () => 0.5 + draw.uniform())
  return {
    x: Float64Array.from(stars, star => star.x),
    y: Float64Array.from(stars, star => star.y),
    errorPx: new Float64Array(stars.length),
    mag: Float64Array.from(
      stars,
      (star, i) => 25 - 2.5 * Math.log10(star.flux) + 0.3 * colour[i] + 0.03 * draw.normal(),
    ),
    colour,
  }
}

const frame = renderFrame(sky, [...lattice, ...companions])

function measured(known?: KnownStars): MeasuredFrame {
  return measureStars(frame, estimateBackground(frame).level, detectionsNear(sky, lattice), known)
}

/** Errors of the primaries' fluxes over what is claimed of them. */
function pulls({ stars }: MeasuredFrame): number[] {
  return primaries.map(star => {
    let best = -1
    let closest = 2
    for (const i of stars.byFlux()) {
      const distance = Math.hypot(stars.x[i] - star.x, stars.y[i] - star.y)
      if (stars.held[i] || distance >= closest) continue
      closest = distance
      best = i
    }
    return (stars.flux[best] - star.flux) / stars.fluxErr[best]
  })
}

describe('a companion within the seeing', () => {
  test('biases a star when nobody knows of it, and is taken out when a survey does', () => {
    const blind = pulls(measured())
    const told = pulls(measured(survey([...lattice, ...companions])))
    expect(median(blind)).toBeGreaterThan(2)
    expect(Math.abs(median(told))).toBeLessThan(0.5)
    const spread = MAD_TO_SIGMA * median(told.map(pull => Math.abs(pull - median(told))))
    expect(spread).toBeGreaterThan(0.7)
    expect(spread).toBeLessThan(1.3)
  })

  test('is taken out when the survey has it alone, and not the star', () => {
    const told = pulls(measured(survey([...lattice.filter(star => !primaries.includes(star)), ...companions])))
    expect(Math.abs(median(told))).toBeLessThan(0.7)
  })

  test('that has gone since the survey saw it is not believed blindly', () => {
    const gone = survey([...lattice, ...companions])
    for (let i = lattice.length; i < gone.mag.length; i++) gone.mag[i] -= 1
    const told = pulls(measured(gone))
    // Believed, the survey would take 1 400 ADU too much from each, some ten of its errors.
    expect(Math.abs(median(told))).toBeLessThan(5)
  })
})

test('a target that a survey knows is measured by the frame, not by the survey', () => {
  const place = { x: lattice[1].x + 15, y: lattice[1].y + 15 }
  const seen = [...lattice, { x: place.x - 3.4, y: place.y, flux: 4_000 }]
  const tonight = renderFrame(sky, seen)
  // The survey holds a star at the target that is not there tonight.
  const known = survey([...seen, { ...place, flux: 2_500 }])
  const taken = measureStars(tonight, estimateBackground(tonight).level, detectionsNear(sky, seen), known)
  const result = measureTarget(taken, { name: 'gone', raDeg: 0, decDeg: 0 }, place.x, place.y)
  expect(Math.abs(result!.flux)).toBeLessThan(4 * result!.fluxErr)
})
