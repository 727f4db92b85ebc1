import type { PhotonTransfer } from './noise.ts'

/** A detector value and how it was come by. */
export interface Estimate {
  value: number
  how: 'told' | 'measured' | 'assumed'
  words: string
}

export interface DetectorEstimate {
  gainElectronsPerAdu: Estimate
  readNoiseElectrons: Estimate
  pedestalAdu: Estimate
}

/**
 * Read noise where nothing tells it, electrons: between the CMOS cameras now sold (1 to 4) and the CCDs still in use (7 to
 * 10, front-illuminated ones 12). With it the pedestal is chosen so that the sky's own noise comes out right.
 */
export const ASSUMED_READ_NOISE_ELECTRONS = 5
/** Gain where neither header nor pixels tell it, electrons per ADU: 100 000 electrons of full well over 16 bits. */
export const ASSUMED_GAIN = 1.5
const SIGNIFICANT = 4 // slope over its error from which on the gain counts as measured
const HINT = 1.5 // from here on the slope is at least better than an assumption

/**
 * Complete what is known of a detector from the photon transfer curve. What was told is kept. The gain is the inverse
 * slope where that is significant; else it follows from the sky's variance with an assumed read noise and pedestal.
 * Pedestal and read noise enter the sky's variance together: with one known the other follows; with neither, the read
 * noise is assumed and the pedestal chosen so that the sky's noise comes out as measured.
 */
export function completeDetector(
  told: { gain?: number; readNoise?: number; pedestal?: number },
  { skyAdu, skyVariance, slope, slopeErr }: PhotonTransfer,
): DetectorEstimate {
  const gain = completeGain(told, skyAdu, skyVariance, slope, slopeErr)
  const g = gain.value
  // (read noise)² of a sky pixel, electrons², if the pedestal were zero
  const excess = skyVariance * g * g - skyAdu * g
  if (told.readNoise !== undefined || told.pedestal === undefined) {
    const readNoise = told.readNoise ?? ASSUMED_READ_NOISE_ELECTRONS
    const words = told.readNoise === undefined ? 'no header value; between CCD and CMOS cameras' : ''
    const pedestal = (readNoise ** 2 - excess) / g
    return {
      gainElectronsPerAdu: gain,
      readNoiseElectrons: { value: readNoise, how: told.readNoise === undefined ? 'assumed' : 'told', words },
      pedestalAdu:
        told.pedestal === undefined ? pedestalFrom(pedestal, skyAdu) : { value: told.pedestal, how: 'told', words: '' },
    }
  }
  const squared = excess + told.pedestal * g
  const plausible = squared > 0.25 && squared < 30 ** 2
  return {
    gainElectronsPerAdu: gain,
    readNoiseElectrons: plausible
      ? { value: Math.sqrt(squared), how: 'measured', words: 'noise of the sky beyond that of its photons' }
      : {
          value: ASSUMED_READ_NOISE_ELECTRONS,
          how: 'assumed',
          words: 'the sky drowns it; between CCD and CMOS cameras',
        },
    pedestalAdu: { value: told.pedestal, how: 'told', words: '' },
  }
}

function pedestalFrom(pedestal: number, skyAdu: number): Estimate {
  if (!(pedestal > 0) || !Number.isFinite(pedestal))
    return { value: 0, how: 'assumed', words: 'none told, and the noise of the sky asks for none' }
  return {
    value: Math.min(pedestal, Math.max(skyAdu, 0)),
    how: 'measured',
    words: 'level of the sky beyond its photon noise',
  }
}

function completeGain(
  told: { gain?: number; readNoise?: number; pedestal?: number },
  skyAdu: number,
  skyVariance: number,
  slope: number,
  slopeErr: number,
): Estimate {
  if (told.gain !== undefined) return { value: told.gain, how: 'told', words: '' }
  // Photons alone make (sky − pedestal) / g; a steeper slope than the sky's variance allows is structure of the stars.
  const light = skyAdu - (told.pedestal ?? 0)
  const least = told.pedestal !== undefined && light > 0 ? light / skyVariance : 0
  const bySlope = 1 / slope
  if (slope > SIGNIFICANT * slopeErr && bySlope > 0.8 * least) {
    const percent = Math.max(1, Math.round((100 * slopeErr) / slope))
    return { value: bySlope, how: 'measured', words: `photon transfer over sky and star wings, ± ${percent} %` }
  }
  // (sky − pedestal) / g + R² / g² = variance, solved for 1/g; with an unknown pedestal only an upper bound of g
  const noise = told.readNoise ?? ASSUMED_READ_NOISE_ELECTRONS
  const inverse = (-light + Math.sqrt(light * light + 4 * noise * noise * skyVariance)) / (2 * noise * noise)
  const bySky = light > 0 && inverse > 0 ? 1 / inverse : Number.POSITIVE_INFINITY
  if (told.pedestal !== undefined && Number.isFinite(bySky))
    return { value: bySky, how: 'assumed', words: 'from the noise of the sky, with assumed read noise' }
  if (slope > HINT * slopeErr && bySlope < bySky)
    return { value: bySlope, how: 'assumed', words: 'weak photon transfer over sky and star wings' }
  return { value: Math.min(ASSUMED_GAIN, bySky), how: 'assumed', words: 'the pixels do not tell it' }
}
