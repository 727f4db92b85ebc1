import { describe, expect, test } from 'vitest'
import { calibrateStars, calibrateTargets, calibrationFlags } from '#shared/calibration/apply.ts'
import { extendBrightEnd } from '#shared/calibration/bright-end.ts'
import { calibrateFrame } from '#shared/calibration/calibrate-frame.ts'
import { zeroPointAt } from '#shared/calibration/calibration-fit.ts'
import { gaiaPartners } from '#shared/calibration/calibrators.ts'
import { takeStars } from '#shared/catalogue/reference-columns.ts'
import { hasFlag } from '#shared/flags.ts'
import { madSigma } from '#shared/numeric/robust.ts'
import type { ForcedPhotometry } from '#shared/photometry/star-catalogue.ts'
import { type Field, type FieldOptions, shuffled, simulateField } from './field.ts'

const scaleOf = ({ epochYear }: Field) => ({
  ...{ fwhmArcsec: 2, residualArcsec: 0.05, epochYear },
  ...{ widthPx: 1000, heightPx: 1000 },
})
/** A frame whose targets have no points but those it makes. */
const alone = { frameId: 'ab'.repeat(32), mjdUtcMid: 60676.5, flags: 0, pointsOf: () => [] }
const ofField = (field: Field, band: string | null = 'r', force = {}) =>
  calibrateFrame(field.catalogue, [field.gaia, field.ps1], scaleOf(field), band, force)
const fitR = (options: FieldOptions) => {
  const { candidates } = ofField(simulateField(options))
  return candidates.find(({ survey, band }) => survey === 'ps1' && band === 'r')!
}

const target = (flux: number, fluxErr: number, raDeg = 10, decDeg = 10): ForcedPhotometry => ({
  name: 'X',
  raDeg,
  decDeg,
  x: 0,
  y: 0,
  flux,
  fluxErr,
  skyAdu: 0,
  chi: 1,
  flags: 0,
})

describe('zero point and colour term', () => {
  test('are the ones the field was made with', () => {
    const { zeroPoint, zeroPointError, colourTerm, colourTermError, colour } = fitR({ stars: 400, seed: 'plain' })
    expect(colour).toBe('g-r')
    expect(Math.abs(zeroPoint - 25.3)).toBeLessThan(3 * zeroPointError)
    expect(Math.abs(colourTerm + 0.08)).toBeLessThan(3 * colourTermError)
    expect(zeroPointError).toBeLessThan(0.01)
  })

  test('their errors are true: the pulls over 60 fields have a width of 1', () => {
    for (const options of [{}, { outliers: 0.15 }, { intrinsic: 0.03 }] satisfies FieldOptions[]) {
      const pulls: number[] = []
      const colourPulls: number[] = []
      for (let seed = 0; seed < 60; seed++) {
        const fit = fitR({ stars: 120, seed: `pull ${seed}`, ...options })
        pulls.push((fit.zeroPoint - 25.3) / fit.zeroPointError)
        colourPulls.push((fit.colourTerm + 0.08) / fit.colourTermError)
      }
      // the width of 60 normal pulls is known to 1/√120 = 9 %, their mean to 13 %
      for (const list of [pulls, colourPulls]) {
        const rms = Math.sqrt(list.reduce((sum, pull) => sum + pull * pull, 0) / list.length)
        expect(rms).toBeGreaterThan(0.7)
        expect(rms).toBeLessThan(1.35)
        expect(Math.abs(list.reduce((sum, pull) => sum + pull, 0) / list.length)).toBeLessThan(0.5)
      }
    }
  })

  test('a third of wrong stars does not move them', () => {
    const clean = fitR({ stars: 300, seed: 'outliers' })
    const dirty = fitR({ stars: 300, seed: 'outliers', outliers: 0.33 })
    expect(Math.abs(dirty.zeroPoint - 25.3)).toBeLessThan(0.02)
    expect(Math.abs(dirty.colourTerm + 0.08)).toBeLessThan(0.02)
    expect(dirty.stars).toBeLessThan(clean.stars)
  })

  test('noisy catalogue colours do not flatten the colour term', () => {
    // colours with errors as large as their spread would flatten an ordinary fit to half (regression dilution)
    const terms: number[] = []
    for (let seed = 0; seed < 20; seed++) {
      const field = simulateField({ stars: 300, seed: `dilution ${seed}`, cameraTerm: 0.5, noiseAdu: 20 })
      const noise = simulateField({ stars: 300, seed: `noise ${seed}`, noiseAdu: 20 })
      field.ps1.mag.g = field.ps1.mag.g.map((g, i) => g + ((noise.ps1.mag.r[i] - noise.r[i]) / 0.008) * 0.19)
      field.ps1.magErr.g.fill(Math.hypot(0.19, 0.008))
      const { candidates } = ofField(field)
      terms.push(candidates.find(({ survey, band }) => survey === 'ps1' && band === 'r')!.colourTerm)
    }
    const mean = terms.reduce((sum, term) => sum + term, 0) / terms.length
    expect(Math.abs(mean + 0.5)).toBeLessThan(0.03)
  })

  test('faint stars do not bias them: neither by their weights nor by the logarithm', () => {
    const zeroPoints: number[] = []
    for (let seed = 0; seed < 40; seed++)
      zeroPoints.push(fitR({ stars: 300, seed: `faint ${seed}`, noiseAdu: 300, cameraTerm: 0 }).zeroPoint)
    const mean = zeroPoints.reduce((sum, value) => sum + value, 0) / zeroPoints.length
    const error = madSigma(zeroPoints) / Math.sqrt(zeroPoints.length)
    expect(Math.abs(mean - 25.3)).toBeLessThan(3.5 * error + 0.0005)
  })

  test('a survey that has every star twice calibrates like one that has it once', () => {
    const field = simulateField({ stars: 150, seed: 'twice' })
    const rows = [...field.ps1.raDeg.keys(), ...field.ps1.raDeg.keys()]
    const { raDeg, decDeg, ...twice } = takeStars(field.ps1, rows)
    // the second time some milliarcseconds away, as from another reduction
    const second = { raDeg, decDeg: decDeg.map((value, k) => (k < 150 ? value : value + 10 / 3.6e6)) }
    const once = ofField(field).chosen!
    const doubled = ofField({ ...field, ps1: { ...twice, ...second } }).chosen!
    expect([doubled.survey, doubled.band, doubled.stars]).toEqual([once.survey, once.band, once.stars])
    expect(doubled.zeroPoint).toBeCloseTo(once.zeroPoint, 6)
  })

  test('a survey with stars beside the frame and none in it does not keep the relations of others away', () => {
    const field = simulateField({ stars: 150, seed: 'beside' })
    const beside = { ...field.ps1, decDeg: field.ps1.decDeg.map(value => value + 0.6) }
    const without = calibrateFrame(field.catalogue, [field.gaia], scaleOf(field), 'r')
    const withIt = calibrateFrame(field.catalogue, [field.gaia, beside], scaleOf(field), 'r')
    expect(without.chosen).toMatchObject({ survey: 'gaia_dr3', band: 'r' })
    expect(withIt.chosen).toEqual(without.chosen)
  })

  test('nor does a survey that touches a corner of the frame: the band stays that of the filter', () => {
    const field = simulateField({ stars: 150, seed: 'corner' })
    const corner = takeStars(field.ps1, [0, 1, 2, 3, 4])
    const { chosen, choice } = calibrateFrame(field.catalogue, [field.gaia, corner], scaleOf(field), 'r')
    expect(chosen!.band).toBe('r')
    expect(choice.ambiguous).toBe(false)
  })

  test('the order of the stars changes nothing', () => {
    const field = simulateField({ stars: 150, seed: 'order', outliers: 0.1 })
    const other = shuffled(field.catalogue, 'shuffle')
    const a = ofField(field)
    const b = ofField({ ...field, catalogue: other.catalogue })
    expect(b.chosen!.zeroPoint).toBeCloseTo(a.chosen!.zeroPoint, 9)
    expect(b.chosen!.colourTerm).toBeCloseTo(a.chosen!.colourTerm, 9)
    expect(b.candidates.map(({ survey, band }) => `${survey} ${band}`)).toEqual(
      a.candidates.map(({ survey, band }) => `${survey} ${band}`),
    )
  })

  test('proper motions are Gaia’s where the survey has none', () => {
    // 300 mas/yr over 11.7 years is 3.5″: beyond the match radius of 2″
    const moving = fitR({ stars: 200, seed: 'moving', properMotionMas: 300 })
    const still = fitR({ stars: 200, seed: 'moving' })
    const field = simulateField({ stars: 200, seed: 'moving', properMotionMas: 300 })
    const alone = calibrateFrame(field.catalogue, [field.ps1], scaleOf(field), 'r').chosen!
    // stars that moved more than 1″ between the two catalogues stay unknown
    expect(moving.stars).toBeGreaterThan(0.6 * still.stars)
    expect(alone.stars).toBeLessThan(0.5 * still.stars)
    expect(Math.abs(moving.zeroPoint - 25.3)).toBeLessThan(3.5 * moving.zeroPointError)
  })
})

test('stars too bright for a survey are carried over through Gaia, and no others are changed', () => {
  const field = simulateField({ stars: 600, seed: 'bright', brightest: 11 })
  // the survey is blind above its bright end
  for (const mags of Object.values(field.ps1.mag))
    for (let i = 0; i < mags.length; i++) if (field.r[i] < 14) mags[i] = Number.NaN
  const partners = gaiaPartners(field.ps1, field.gaia)
  const extended = extendBrightEnd(field.ps1, field.gaia, partners)
  const carried = Array.from(extended.id.keys()).filter(i => extended.carriedOver?.[i])
  const bright = field.r.filter(r => r < 13.9).length
  expect(carried.length).toBeGreaterThan(0.8 * bright)
  expect(extended.count).toBe(field.ps1.count)
  const pulls = carried.map(i => {
    const truth = Number(BigInt(extended.id[i]) - 4000000000000000000n)
    return (extended.mag.r[i] - field.r[truth]) / extended.magErr.r[i]
  })
  expect(madSigma(pulls, 0)).toBeLessThan(1.5)
  const alone = calibrateFrame(field.catalogue, [field.ps1], scaleOf(field), 'r').chosen!
  const helped = ofField(field).chosen!
  expect(helped.stars).toBeGreaterThan(alone.stars)
  expect(Math.abs(helped.zeroPoint - 25.3)).toBeLessThan(3 * helped.zeroPointError)
})

describe('few stars', () => {
  test('no colour term is fitted to fewer than eight, and it is said', () => {
    const field = simulateField({ stars: 6, seed: 'few', noiseAdu: 10 })
    const { choice, chosen } = ofField(field)
    expect(chosen!.colour).toBe('')
    expect(chosen!.colourTerm).toBe(0)
    const flags = calibrationFlags(choice.chosen!, choice.ambiguous)
    expect(hasFlag(flags, 'noColourTerm')).toBe(true)
    expect(hasFlag(flags, 'fewCalibrators')).toBe(true)
    // the spread of colours stands in the error: 0.08 · 0.3 / √6
    expect(Math.abs(chosen!.zeroPoint - 25.3 + 0.08 * 0.65)).toBeLessThan(0.05)
  })

  test('a survey with one band calibrates without colour', () => {
    const field = simulateField({ stars: 60, seed: 'one band' })
    const tycho = {
      ...field.ps1,
      survey: 'tycho2' as const,
      mag: { VT: field.r.map(r => r - 7) },
      magErr: { VT: new Float64Array(60).fill(0.05) },
    }
    field.catalogue.magInst = field.catalogue.magInst.map(m => m - 7)
    field.catalogue.flux = field.catalogue.flux.map(f => f * 10 ** 2.8)
    field.catalogue.fluxErr = field.catalogue.fluxErr.map(f => f * 10 ** 2.8)
    const { chosen, choice } = calibrateFrame(field.catalogue, [tycho], scaleOf(field), 'clear')
    expect(chosen).toMatchObject({ survey: 'tycho2', band: 'VT', colour: '', colourTerm: 0 })
    expect(choice.ambiguous).toBe(false)
    expect(Math.abs(chosen!.zeroPoint - (25.3 - 0.08 * 0.65))).toBeLessThan(0.03)
  })

  test('no survey, no stars: no calibration, and no error', () => {
    const field = simulateField({ stars: 20 })
    expect(calibrateFrame(field.catalogue, [], scaleOf(field), 'r').chosen).toBeNull()
    expect(ofField(simulateField({ stars: 1 })).chosen).toBeNull()
  })
})

describe('choice of the band', () => {
  test('the header is believed where the stars do not speak against it', () => {
    expect(ofField(simulateField({ stars: 200 }), 'r').chosen).toMatchObject({ survey: 'ps1', band: 'r' })
  })

  test('without a header the size of the colour term tells', () => {
    const r = ofField(simulateField({ stars: 200, cameraTerm: 0.02 }), null)
    expect(r.chosen).toMatchObject({ survey: 'ps1', band: 'r' })
    // m = r − 0.3 (g − r): that is i
    const field = simulateField({ stars: 200, cameraTerm: -0.3 })
    const i = calibrateFrame(field.catalogue, [field.ps1], scaleOf(field), null)
    expect(i.chosen).toMatchObject({ survey: 'ps1', band: 'i' })
    const g = ofField(simulateField({ stars: 200, cameraTerm: 1 }), null)
    expect(g.chosen).toMatchObject({ survey: 'ps1', band: 'g' })
  })

  test('a header that is plainly wrong is contradicted', () => {
    const { chosen, choice } = ofField(simulateField({ stars: 200, cameraTerm: 1 }), 'z')
    expect(chosen).toMatchObject({ band: 'g' })
    expect(choice.contradictsHeader).toBe(true)
  })

  test('Johnson V comes from Pan-STARRS by a published relation, where no survey has it', () => {
    // V = g + 0.005 − 0.536 (g − r) + 0.011 (g − r)² (Tonry et al. 2012)
    const { chosen, candidates } = ofField(simulateField({ stars: 300, cameraTerm: 0.464 }), 'V')
    expect(chosen).toMatchObject({ survey: 'ps1', band: 'V' })
    expect(Math.abs(chosen!.colourTerm)).toBeLessThan(0.03)
    expect(Math.abs(chosen!.zeroPoint - 25.3 - 0.005)).toBeLessThan(0.02)
    expect(candidates.filter(({ band }) => band === 'V')).toHaveLength(1)
  })

  test('a few stars neither contradict a header nor stand for a band far from it', () => {
    const field = simulateField({ stars: 5, seed: 'clouds', noiseAdu: 10, cameraTerm: -0.42 })
    const { z, i } = field.ps1.mag
    const red = { ...field.ps1, mag: { z, i }, magErr: { z: field.ps1.magErr.z, i: field.ps1.magErr.i } }
    const of = (header: string, force = {}) => calibrateFrame(field.catalogue, [red], scaleOf(field), header, force)
    expect(of('V').chosen).toBeNull() // no V of any kind: z it is not
    expect(of('V', { band: 'z' }).chosen).toMatchObject({ band: 'z' }) // unless asked for
    for (const band of ['i', 'z']) expect(of(band).chosen).toMatchObject({ band })
  })

  test('stars of one colour cannot tell bands apart, and it is said', () => {
    const { catalogue, ps1, ...field } = simulateField({ stars: 200, cameraTerm: 0 })
    const grey = { ...ps1, mag: { ...ps1.mag, g: ps1.mag.r.map(mag => mag + 0.5) } }
    const of = (header: string | null) =>
      calibrateFrame(catalogue, [grey], scaleOf({ ...field, catalogue, ps1 }), header)
    expect(of(null).choice).toMatchObject({ ambiguous: true, chosen: { hasColourTerm: false } })
    expect(of('r').choice.ambiguous).toBe(false)
    expect(of('r').chosen).toMatchObject({ survey: 'ps1', band: 'r' })
  })

  test('a forced band is the fit that stood among the candidates', () => {
    const field = simulateField({ stars: 200 })
    const auto = ofField(field)
    for (const { survey, band } of auto.candidates) {
      const forced = ofField(field, 'r', { survey, band })
      expect(forced.chosen).toEqual(auto.candidates.find(row => row.survey === survey && row.band === band))
    }
    expect(ofField(field, 'r', { survey: 'des' }).chosen).toBeNull()
  })
})

describe('magnitudes', () => {
  test('of stars are right within their errors', () => {
    const field = simulateField({ stars: 300, seed: 'stars' })
    const { choice } = ofField(field)
    const { mag, magErr } = calibrateStars(field.catalogue, choice.chosen!)
    const pulls = Array.from(mag, (m, i) =>
      field.catalogue.magInstErr[i] < 0.2 ? (m - field.r[i]) / magErr[i] : Number.NaN,
    )
    expect(madSigma(pulls)).toBeGreaterThan(0.85)
    expect(madSigma(pulls)).toBeLessThan(1.15)
  })

  test('of a target with known colour has it; without, the assumed one widens the error', () => {
    const field = simulateField({ stars: 300, seed: 'target' })
    const fit = ofField(field).choice.chosen!
    const [known] = calibrateTargets(
      [target(1e5, 100, field.catalogue.raDeg[3], field.catalogue.decDeg[3])],
      fit,
      alone,
    )
    const [unknown] = calibrateTargets([target(1e5, 100)], fit, alone)
    const colour = field.ps1.mag.g[3] - field.ps1.mag.r[3]
    expect(known.targetColourFrom).toBe('catalogue')
    expect(known.mag).toBeCloseTo(-12.5 + 25.3 - 0.08 * colour, 1)
    expect(unknown.targetColourFrom).toBe('assumed')
    expect(hasFlag(unknown.flags, 'colourAssumed')).toBe(true)
    // stars: uniform over 1.1 mag about 0.65, half of their middle 68 % is 0.374; transients 0.24 ± 0.39; half of each
    expect(unknown.targetColour!).toBeCloseTo(0.445, 1)
    expect(unknown.targetColourErr!).toBeCloseTo(Math.sqrt((0.374 ** 2 + 0.39 ** 2) / 2 + 0.205 ** 2), 1)
    expect(unknown.magErrZeroPoint!).toBeGreaterThan(0.08 * 0.4)
    expect(unknown.magErr!).toBeCloseTo(Math.hypot(unknown.magErrRandom!, unknown.magErrZeroPoint!), 12)
    expect(known.magErrZeroPoint!).toBeLessThan(0.01)
    expect(known.magErrRandom!).toBeCloseTo(1.0857e-3, 6)
  })

  test('do not hold the error of the scale of fluxes, which target and stars share; the zero point does', () => {
    const field = simulateField({ stars: 300, seed: 'scale' })
    const { catalogue, gaia, ps1 } = field
    const [sure, unsure] = [0, 0.01].map(lightOutside => {
      const scale = { ...scaleOf(field), lightOutside }
      return calibrateFrame(catalogue, [gaia, ps1], scale, 'r')
    })
    // a hundredth of the light is 0.0109 mag: 2.5 / ln 10 hundredths
    expect(unsure.chosen!.zeroPointError ** 2 - sure.chosen!.zeroPointError ** 2).toBeCloseTo(
      ((0.01 * 2.5) / Math.LN10) ** 2,
      12,
    )
    const magErrs = [sure, unsure].map(
      ({ choice }) => calibrateTargets([target(1e5, 100)], choice.chosen!, alone)[0].magErr,
    )
    expect(magErrs[1]).toBe(magErrs[0])
  })

  test('limits of a target that is seen come from the noise of its place without it', () => {
    const fit = ofField(simulateField({ stars: 300 })).choice.chosen!
    const [bright] = calibrateTargets([{ ...target(1e5, 800), emptyErr: 100 }], fit, alone)
    const zeroPoint = zeroPointAt(fit, bright.targetColour!).value
    expect(bright.limit3Sigma).toBeCloseTo(zeroPoint - 2.5 * Math.log10(300), 9)
    expect(bright.limit5Sigma).toBeCloseTo(zeroPoint - 2.5 * Math.log10(500), 9)
    expect(bright.magErrRandom).toBeCloseTo((2.5 / Math.LN10) * 0.008, 6)
  })

  test('limits come from the noise at the target, whether it is seen or not', () => {
    const fit = ofField(simulateField({ stars: 300 })).choice.chosen!
    const [seen, faint, negative] = calibrateTargets([target(301, 100), target(299, 100), target(-50, 100)], fit, alone)
    expect([seen.detected, faint.detected, negative.detected]).toEqual([true, false, false])
    expect(faint.mag).toBeNull()
    const zeroPoint = zeroPointAt(fit, faint.targetColour!).value
    for (const { limit3Sigma, limit5Sigma } of [seen, faint, negative]) {
      expect(limit3Sigma).toBeCloseTo(zeroPoint - 2.5 * Math.log10(300), 9)
      expect(limit5Sigma).toBeCloseTo(zeroPoint - 2.5 * Math.log10(500), 9)
    }
  })
})
