import type { Provenance } from '#events/frame.ts'
import { type Flag, flagMask } from '#shared/flags.ts'
import { completeDetector, type Estimate } from '#shared/image/detector-estimate.ts'
import type { Detector } from '#shared/image/frame.ts'
import { type PhotonTransfer, photonTransfer } from '#shared/image/noise.ts'
import { estimateSaturation } from '#shared/image/saturation.ts'
import type { Found } from './read-value.ts'
import { type DetectorField, provenanceOf, type Translation } from './translate.ts'

export interface DetectorStatement {
  detector: Detector
  flags: number
  provenance: Record<DetectorField, Provenance>
  transfer: PhotonTransfer
}

/** The saturation level: told, unless the pixels pile up below it; else from the pixels. */
export function saturationLevel(
  told: Found<number> | undefined,
  pixels: Float32Array,
  integers: boolean,
): { found: Found<number>; estimated: boolean } {
  const seen = estimateSaturation(pixels, integers)
  const fromPixels: Found<number> = {
    value: seen.saturationAdu,
    from: 'pixels',
    conversion: seen.words,
    confidence: seen.how === 'plateau' ? 'likely' : 'guess',
  }
  if (!told) return { found: fromPixels, estimated: true }
  if (seen.how !== 'plateau' || seen.saturationAdu >= 0.98 * told.value) return { found: told, estimated: false }
  return { found: { ...fromPixels, conflict: `${told.from} says ${told.value}` }, estimated: true }
}

const SUSPECT_RATIO = 2 // a told gain that is off the measured one by more is not believed
const SURE_SLOPE = 10

/**
 * Gain, read noise and pedestal: as told, the rest from the pixels' own noise, each with a flag and a word on how.
 *
 * @param mosaic whether the pixels are means of two green pixels: told gain and read noise belong to one of them
 */
export function stateDetector(
  { detector: told, unit }: Pick<Translation, 'detector' | 'unit'>,
  saturation: { found: Found<number>; estimated: boolean },
  pixels: Float32Array,
  width: number,
  height: number,
  mosaic: boolean,
): DetectorStatement {
  const transfer = photonTransfer(pixels, width, height, saturation.found.value)
  const gainTold = mosaic ? perPair(told.gainElectronsPerAdu, 2) : told.gainElectronsPerAdu
  const readNoiseTold = mosaic ? perPair(told.readNoiseElectrons, Math.SQRT2) : told.readNoiseElectrons
  const complete = (gain: number | undefined) => {
    const known = { gain, readNoise: readNoiseTold?.value, pedestal: told.pedestalAdu?.value }
    return completeDetector(known, transfer, unit.value !== 'physical')
  }
  const conflict = gainTold && contradiction(gainTold, transfer)
  const ofNoise = conflict && gainTold.from !== 'profile' ? complete(undefined) : undefined
  const disbelieved = ofNoise?.gainElectronsPerAdu.how === 'measured'
  const completed = disbelieved ? ofNoise : complete(gainTold?.value)
  const { gainElectronsPerAdu: gain, readNoiseElectrons: readNoise, pedestalAdu: pedestal } = completed
  const flags: Flag[] = []
  if (gain.how !== 'told') flags.push('gainEstimated')
  if (readNoise.how !== 'told') flags.push('readNoiseEstimated')
  if (saturation.estimated) flags.push('saturationEstimated')
  return {
    detector: {
      gainElectronsPerAdu: gain.value,
      readNoiseElectrons: readNoise.value,
      saturationAdu: saturation.found.value,
      pedestalAdu: pedestal.value,
    },
    flags: flagMask(...flags),
    provenance: {
      gainElectronsPerAdu: disbelieved
        ? { ...estimated(gain), conflict: `${gainTold!.from} says ${Number(gainTold!.value.toPrecision(4))}` }
        : gainTold
          ? provenanceOf({ ...gainTold, conflict: conflict ?? gainTold.conflict })
          : estimated(gain),
      readNoiseElectrons: readNoiseTold ? provenanceOf(readNoiseTold) : estimated(readNoise),
      saturationAdu: provenanceOf(saturation.found),
      pedestalAdu: told.pedestalAdu ? provenanceOf(told.pedestalAdu) : estimated(pedestal),
    },
    transfer,
  }
}

function perPair(found: Found<number> | undefined, factor: number): Found<number> | undefined {
  if (!found) return undefined
  const conversion = `${found.conversion ? `${found.conversion}; ` : ''}of the mean of two green pixels`
  return { ...found, value: found.value * factor, conversion }
}

/** What the noise says against a told gain, in words; undefined where it says nothing. */
function contradiction(told: Found<number>, { slope, slopeErr }: PhotonTransfer): string | undefined {
  const ratio = told.value * slope
  const fits = !(slope > SURE_SLOPE * slopeErr) || (ratio < SUSPECT_RATIO && ratio > 1 / SUSPECT_RATIO)
  return fits ? undefined : `the noise of the pixels asks for ${(1 / slope).toPrecision(2)} e/ADU`
}

function estimated({ how, words }: Estimate): Provenance {
  return how === 'measured'
    ? { from: 'pixels', conversion: words, confidence: 'likely' }
    : { from: 'assumed', conversion: words, confidence: 'guess' }
}
