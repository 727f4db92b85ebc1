import type { PhotonTransfer } from './noise.ts'

/**
 * What cameras and frames are like where nothing tells it. Read noise: CMOS cameras now sold have 1 to 4 electrons, CCDs
 * 7 to 12. Gain: 100 000 electrons of full well over 16 bits, a factor of three either way. Pedestal: none where bias and
 * dark were taken off, some 100 ADU where the acquisition program adds its own, thousands of a raw frame now and then;
 * negative where a sky was taken off.
 */
export const USUAL = { readNoise: 5, readNoiseFactor: 1.8, gain: 1.5, gainFactor: 3, pedestalAdu: 60 } as const
const SKY_TAKEN_OFF = 0.02 // weight of a negative pedestal against a positive one
const TOLD_PEDESTAL_ERR = 0.01 // share of the sky's level by which a told pedestal may be off: bias drifts, scattered light

const STEPS = 600
const REACH = 5 // of the logarithm of the usual gain, both ways
const READ_NOISE_NODES = [-1.5, -1, -0.5, 0, 0.5, 1, 1.5] // of the logarithm, in units of its spread

export interface GainEstimate {
  /** Mean of 1/gain, inverted: predicted variances are right on average. */
  gainElectronsPerAdu: number
  /** 1 σ, as a share. */
  relativeError: number
}

/**
 * The gain that fits the noise of a frame, with what is known of pedestal and read noise, or usual of them: the mean
 * over all gains of the probability that the variance of the sky and its growth with the level are as measured. The
 * variance of the sky is exact enough to tell the pedestal of each gain and read noise.
 *
 * @param gainFactor 1 σ of the gain beforehand, as a factor
 */
export function estimateGain(
  told: { readNoise?: number; pedestal?: number },
  { skyAdu, skyVariance, slope, slopeErr }: PhotonTransfer,
  gainFactor: number = USUAL.gainFactor,
): GainEstimate {
  const readNoises = told.readNoise === undefined ? usualReadNoises() : [{ electrons: told.readNoise, weight: 1 }]
  let [sum, first, second] = [0, 0, 0]
  for (let k = 0; k <= STEPS; k++) {
    const logarithm = REACH * ((2 * k) / STEPS - 1)
    const gain = USUAL.gain * Math.exp(logarithm)
    let fits = Math.exp(-0.5 * (logarithm / Math.log(gainFactor)) ** 2)
    if (slopeErr > 0) fits *= likelihood((1 / gain - slope) / slopeErr)
    let weight = 0
    for (const { electrons, weight: share } of readNoises) {
      const pedestal = skyAdu - skyVariance * gain + electrons ** 2 / gain
      // how fast the pedestal moves with the logarithm of the gain: the density of pedestals turned into one of gains
      const density = skyVariance * gain + electrons ** 2 / gain
      weight += share * density * pedestalDensity(pedestal, told.pedestal, skyAdu)
    }
    const probability = fits * weight
    sum += probability
    first += probability / gain
    second += probability / gain ** 2
  }
  if (!(sum > 0)) return { gainElectronsPerAdu: USUAL.gain, relativeError: Math.log(gainFactor) }
  const inverse = first / sum
  const variance = Math.max(0, second / sum - inverse ** 2)
  return { gainElectronsPerAdu: 1 / inverse, relativeError: Math.sqrt(variance) / inverse }
}

/** Of a deviation in σ, with the heavy tail of an error that may be wrong itself. */
function likelihood(deviation: number): number {
  return Math.exp(-0.5 * deviation ** 2) + 1e-6 / (1 + deviation ** 2)
}

function pedestalDensity(pedestal: number, told: number | undefined, skyAdu: number): number {
  if (told === undefined) return (pedestal < 0 ? SKY_TAKEN_OFF : 1) / (1 + (pedestal / USUAL.pedestalAdu) ** 2)
  const error = Math.max(1, TOLD_PEDESTAL_ERR * Math.abs(skyAdu - told))
  return likelihood((pedestal - told) / error)
}

function usualReadNoises(): { electrons: number; weight: number }[] {
  return READ_NOISE_NODES.map(node => ({
    electrons: USUAL.readNoise * USUAL.readNoiseFactor ** node,
    weight: Math.exp(-0.5 * node ** 2),
  }))
}
