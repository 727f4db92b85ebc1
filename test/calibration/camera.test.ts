import { describe, expect, test } from 'vitest'
import type { CameraFrame } from '#events/camera.ts'
import { calibrationFlags } from '#shared/calibration/apply.ts'
import { calibrateFrame } from '#shared/calibration/calibrate-frame.ts'
import { isUnusual, noMemory, recall } from '#shared/calibration/camera.ts'
import { robustLine } from '#shared/calibration/robust-line.ts'
import { hasFlag } from '#shared/flags.ts'
import { random } from '#shared/numeric/random.ts'
import { madSigma } from '#shared/numeric/robust.ts'
import { type FieldOptions, simulateField } from './field.ts'

const MJD = 60676.5
const ask = { frameId: 'f'.repeat(64), mjdUtcMid: MJD }

/** What frame number `n` told, a day after the one before it. */
function frame(n: number, colourTerm: number, error = 0.004, zeroPointOneSecond = 21): CameraFrame {
  return {
    ...{ telescope: 'north', camera: 'ASI', filterName: 'r', airmass: 1.2, survey: 'ps1', band: 'r' },
    ...{ frameId: n.toString(16).padStart(64, '0'), pipelineVersion: '0.1.0', mjdUtcMid: MJD - 1 - n },
    bands: [
      {
        ...{ survey: 'ps1', band: 'r', colour: 'g-r', colourTerm, colourTermError: error },
        ...{ colourRange: [0.2, 1.2], colourSpread: 0.35, zeroPointOneSecond, zeroPointError: 0.003 },
        ...{ intrinsicScatter: 0.004, stars: 200 },
      },
    ],
  }
}
const termOf = (frames: CameraFrame[]) => recall(frames, ask).colourTerm('ps1', 'r', 'g-r')!

function fitOf(options: FieldOptions, memory = noMemory) {
  const field = simulateField(options)
  const scale = { fwhmArcsec: 2, residualArcsec: 0.05, epochYear: field.epochYear, widthPx: 1000, heightPx: 1000 }
  return calibrateFrame(field.catalogue, [field.gaia, field.ps1], scale, 'r', {}, memory)
}

describe('the memory of a camera', () => {
  test('predicts a further frame with a true error, scatter from frame to frame included', () => {
    const draw = random('camera')
    const pulls = Array.from({ length: 300 }, () => {
      const term = () => -0.05 + 0.02 * draw.normal()
      const known = termOf(Array.from({ length: 20 }, (_, n) => frame(n, term() + 0.01 * draw.normal(), 0.01)))
      return (term() - known.slope) / known.error
    })
    expect(madSigma(pulls, 0)).toBeGreaterThan(0.85)
    expect(madSigma(pulls, 0)).toBeLessThan(1.2)
  })

  test('does not depend on the order in which frames came, nor on one that is wrong', () => {
    const frames = Array.from({ length: 12 }, (_, n) => frame(n, -0.05 + 0.003 * ((n * 7) % 5)))
    expect(termOf([...frames].reverse())).toEqual(termOf(frames))
    const spoilt = termOf([...frames, frame(99, 0.9)])
    expect(Math.abs(spoilt.slope - termOf(frames).slope)).toBeLessThan(0.002)
  })

  test('does not tell a frame of itself, and knows of a frame what its newest version said', () => {
    const own = { ...frame(1, 0.4), ...ask }
    expect(recall([own], ask).colourTerm('ps1', 'r', 'g-r')).toBeUndefined()
    const again = { ...frame(1, 0.07), pipelineVersion: '0.10.0' }
    const older = { ...frame(1, 0.03), pipelineVersion: '0.9.0' }
    expect(termOf([again, older]).slope).toBeCloseTo(0.07, 12)
    expect(termOf([again, older]).frames).toBe(1)
  })

  test('calls a zero point unusual only where it is far off what the camera has', () => {
    const draw = random('zero points')
    const memory = recall(
      Array.from({ length: 30 }, (_, n) => frame(n, 0, 0.004, 21 + 0.05 * draw.normal())),
      ask,
    )
    const usual = memory.zeroPoint('ps1', 'r', 'g-r')!
    expect([21, 20.7, 20.4, 22].map(zeroPoint => isUnusual(zeroPoint, usual))).toEqual([false, false, true, true])
    expect(recall([frame(1, 0)], ask).zeroPoint('ps1', 'r', 'g-r')).toBeUndefined()
  })
})

describe('a camera over twenty nights, three frames each, clouds of 0.05 mag from night to night', () => {
  const nights = (seed: string, perNight: { zeroPoint: number; colourTerm: number }) => {
    const draw = random(seed)
    const frames = Array.from({ length: 20 }, (_, night) => {
      const clouds = 0.05 * draw.normal() + (draw.uniform() < 0.1 ? -1.5 : 0)
      return Array.from({ length: 3 }, (_, k) => {
        const term = 0.05 + perNight.colourTerm * night + 0.005 * draw.normal()
        const zeroPoint = 21 + perNight.zeroPoint * night + clouds + 0.01 * draw.normal()
        return { ...frame(3 * night + k, term, 0.004, zeroPoint), mjdUtcMid: MJD - 1 - 10 * (20 - night) + 0.01 * k }
      })
    })
    return recall(frames.flat(), ask).drifts('ps1', 'r', 'g-r')
  }
  const told = (perNight: { zeroPoint: number; colourTerm: number }) =>
    Array.from({ length: 200 }, (_, i) => nights(`drift ${i}`, perNight)).filter(Boolean).length

  test('that is steady is not said to drift, whatever the clouds', () => {
    // 5 σ of 18 degrees of freedom: 0.02 of 400 trends
    expect(told({ zeroPoint: 0, colourTerm: 0 })).toBeLessThanOrEqual(1)
  })

  test.each([
    ['whose mirror gathers dust, 0.4 mag in all,', { zeroPoint: -0.02, colourTerm: 0 }],
    ['whose filter ages, 0.04 in all,', { zeroPoint: 0, colourTerm: 0.002 }],
  ])('%s is said to drift', (_, perNight) => {
    // 8.6 σ and 17 σ of the trend: 20 nights tell a slope to σ / 25.8 nights
    expect(told(perNight)).toBeGreaterThan(190)
  })

  test('is not judged by fewer than twelve nights', () => {
    const few = Array.from({ length: 11 }, (_, night) => frame(night, 0.05 + 0.02 * night))
    expect(recall(few, ask).drifts('ps1', 'r', 'g-r')).toBe(false)
  })
})

describe('a frame of a camera that is known', () => {
  const known = recall(
    Array.from({ length: 10 }, (_, n) => frame(n, -0.08)),
    ask,
  )

  test('with few stars takes the colour term of the others, and says so', () => {
    const few = { stars: 6, seed: 'few', noiseAdu: 10 }
    expect(fitOf(few).chosen).toMatchObject({ colourTerm: 0, colourTermFrom: 'none' })
    const { chosen, choice } = fitOf(few, known)
    expect(chosen).toMatchObject({ band: 'r', colour: 'g-r', colourTermFrom: 'memory' })
    expect(chosen!.colourTerm).toBeCloseTo(-0.08, 3)
    // 0.008/√6 of the catalogue, photon noise, and 0.005 · 0.65 of the colour term: without it 0.05 off
    expect(Math.abs(chosen!.zeroPoint - 25.3)).toBeLessThan(0.02)
    expect(hasFlag(calibrationFlags(choice.chosen!, false), 'noColourTerm')).toBe(false)
    expect(choice.chosen!.own).toBeUndefined()
  })

  test('with more joins its own stars to them: errors stay true and become smaller', () => {
    const pulls: number[] = []
    for (let seed = 0; seed < 40; seed++) {
      const options = { stars: 30, seed: `join ${seed}` }
      const [alone, joined] = [fitOf(options).chosen!, fitOf(options, known).chosen!]
      if (alone.colour === '' || joined.colourTermFrom !== 'both') continue
      expect(joined.colourTermError).toBeLessThan(alone.colourTermError)
      pulls.push((joined.zeroPoint - 25.3) / joined.zeroPointError)
    }
    expect(pulls.length).toBeGreaterThan(25)
    expect(madSigma(pulls, 0)).toBeGreaterThan(0.6)
    expect(madSigma(pulls, 0)).toBeLessThan(1.4)
  })

  test('whose stars contradict them keeps its own, and is flagged', () => {
    const { chosen, choice } = fitOf({ stars: 300, seed: 'another filter', cameraTerm: 0.25 }, known)
    expect(chosen).toMatchObject({ colourTermFrom: 'frame' })
    expect(chosen!.colourTerm).toBeCloseTo(-0.25, 1)
    expect(hasFlag(calibrationFlags(choice.chosen!, false), 'colourTermUnusual')).toBe(true)
  })

  test('tells the memory what its own stars say, whatever the memory told it', () => {
    const alone = fitOf({ stars: 200, seed: 'own' }).choice.chosen!
    const { fit } = fitOf({ stars: 200, seed: 'own' }, known).choice.ranked.find(
      ({ fit }) => fit.standard.survey === 'ps1' && fit.standard.band === 'r',
    )!
    expect(fit.own).toEqual(alone.own)
    expect(fit.own!.slope).not.toBe(fit.line.slope)
  })
})

test('a prior on the slope counts as one measurement of it', () => {
  // three points on y = 2 + x, errors 1: slope 1 with variance 1/2; a prior of 0 ± √½ weighs as much
  const none = new Float64Array(3)
  const data = { x: Float64Array.of(-1, 0, 1), y: Float64Array.of(1, 2, 3), varX: none, covXY: none }
  const line = robustLine({ ...data, varY: Float64Array.of(1, 1, 1) }, true, { slope: 0, error: Math.SQRT1_2 })!
  // but for the chance that a point is an outlier: one in twenty, wider by 0.3
  expect(line.slope).toBeCloseTo(0.5, 2)
  expect(line.slopeError).toBeCloseTo(0.5, 2)
  expect(line.atPivot).toBeCloseTo(2, 9)
})

test('faint stars do not show the scatter that the camera is known for, bright ones do', () => {
  const prior = { slope: 0, error: 0.01, intrinsic: 0.01 }
  // residuals of alternating sign and one size: their mean square is known without a draw
  const usual = (n: number, error: number, residual: number) => {
    const make = (value: (i: number) => number) => Float64Array.from({ length: n }, (_, i) => value(i))
    const x = make(i => Math.floor(i / 2) / n)
    const y = make(i => (i % 2 ? residual : -residual))
    const data = { x, y, varX: make(() => 0), covXY: make(() => 0), varY: make(() => error ** 2) }
    return robustLine(data, true, prior)!.usualIntrinsic
  }
  expect(usual(40, 0.05, 0.04)).toBeCloseTo(0.01, 3)
  expect(usual(400, 0.001, 0.004)).toBeCloseTo(Math.sqrt(0.004 ** 2 - 0.001 ** 2), 3)
})
