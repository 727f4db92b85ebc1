import { estimateGain, USUAL } from './gain-estimate.ts'
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

const MEASURED = 0.12 // relative error of the gain up to which it counts as measured
const NO_CAMERA_FACTOR = 10 // either way of a usual gain, of pixels scaled to a scatter of 5 to 50
const READ_NOISE_RANGE = { least: 0.5, most: 30 } // electrons: outside, it is something else that makes the noise

/**
 * Complete what is known of a detector from the noise of its frame. What was told is kept. An untold gain is the one that
 * fits the photon transfer curve and what is usual of cameras (gain-estimate.ts). Read noise and pedestal enter the
 * sky's variance together: with one known the other follows; with neither, the read noise is taken as usual and the
 * pedestal such that the sky's noise comes out as measured.
 *
 * @param camera whether the pixels are counts of a camera at all: else the gain may be anything
 */
export function completeDetector(
  told: { gain?: number; readNoise?: number; pedestal?: number },
  transfer: PhotonTransfer,
  camera = true,
): DetectorEstimate {
  const gain = completeGain(told, transfer, camera)
  const g = gain.value
  // (read noise)² of a sky pixel, electrons², if the pedestal were zero
  const excess = transfer.skyVariance * g * g - transfer.skyAdu * g
  if (told.pedestal !== undefined)
    return {
      gainElectronsPerAdu: gain,
      readNoiseElectrons: completeReadNoise(told.readNoise, excess + told.pedestal * g),
      pedestalAdu: { value: told.pedestal, how: 'told', words: '' },
    }
  const usual = told.readNoise ?? USUAL.readNoise
  const pedestal = (usual ** 2 - excess) / g
  if (pedestal < 0 && told.readNoise === undefined && excess < READ_NOISE_RANGE.most ** 2)
    return {
      gainElectronsPerAdu: gain,
      readNoiseElectrons: completeReadNoise(undefined, excess),
      pedestalAdu: { value: 0, how: 'assumed', words: 'none told, and the noise of the sky asks for none' },
    }
  return {
    gainElectronsPerAdu: gain,
    readNoiseElectrons:
      told.readNoise === undefined
        ? { value: usual, how: 'assumed', words: 'no header value; between CCD and CMOS cameras' }
        : { value: usual, how: 'told', words: '' },
    pedestalAdu: {
      value: pedestal,
      how: 'measured',
      words:
        pedestal < 0 ? 'the noise is that of a sky that was taken off' : 'level of the sky beyond its photon noise',
    },
  }
}

function completeGain(
  told: { gain?: number; readNoise?: number; pedestal?: number },
  transfer: PhotonTransfer,
  camera: boolean,
) {
  if (told.gain !== undefined) return { value: told.gain, how: 'told', words: '' } as const
  const { gainElectronsPerAdu: value, relativeError } = estimateGain(
    told,
    transfer,
    camera ? USUAL.gainFactor : NO_CAMERA_FACTOR,
  )
  const percent = Math.max(1, Math.round(100 * relativeError))
  return relativeError < MEASURED
    ? ({ value, how: 'measured', words: `noise of the sky and of starlight, ± ${percent} %` } as const)
    : ({ value, how: 'assumed', words: `usual cameras and the noise of the sky, ± ${percent} %` } as const)
}

/** @param squared what the noise of the sky leaves for it, electrons² */
function completeReadNoise(told: number | undefined, squared: number): Estimate {
  if (told !== undefined) return { value: told, how: 'told', words: '' }
  const { least, most } = READ_NOISE_RANGE
  return squared > least ** 2 && squared < most ** 2
    ? { value: Math.sqrt(squared), how: 'measured', words: 'noise of the sky beyond that of its photons' }
    : { value: USUAL.readNoise, how: 'assumed', words: 'the sky drowns it; between CCD and CMOS cameras' }
}
