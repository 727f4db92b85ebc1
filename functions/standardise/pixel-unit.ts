import type { Header } from '#shared/fits/header.ts'
import { madSigma, median } from '#shared/numeric/robust.ts'
import type { Found } from './read-value.ts'

/** What a pixel counts: converter units, electrons, either for each second, or something that is no count. */
export type UnitKind = 'adu' | 'electron' | 'adu/s' | 'electron/s' | 'physical'

export interface PixelUnit extends Found<UnitKind> {
  /** As a standardised frame writes it into BUNIT: of a rate the unit of its counts. */
  text: string
  /** What a pixel is multiplied by to be a count: the seconds of a rate, a thousand of kADU; 1 where it is one. */
  factor: number
}

const counts: readonly { pattern: RegExp; kind: 'adu' | 'electron' }[] = [
  { pattern: /^(adus?|counts?|cts?|dns?|(data|digital)-?numbers?|analog(ue)?-?to-?digital-?units?)$/, kind: 'adu' },
  { pattern: /^(e-?|el|elec|electrons?|photoelectrons?|photons?|ph)$/, kind: 'electron' },
]
const thousand = /^(k|kilo)(?=adu|count|ct|dn|data|digital|e)/
const perSecond = /(\/|per)s(ec(ond)?s?)?$|[.*]?s(ec(ond)?)?(\*\*|\^)?\(?-1\)?$/
const perPixel = /(\/|per)pix(els?)?/
const physical =
  /jy|jansky|mag(?!ic)|mgy|erg|watt|photon|\bw\b|w\s*[/.*m]|kelvin|^\s*m?k\s*$|rad\b|\bsr\b|sr-|arcsec|solar|lum|flam|fnu/i

/**
 * The unit of the pixels (FITS 4.0 §4.3 and how programs spell it), ADU where none is told or understood.
 *
 * @param exposureSeconds undefined where nobody tells it: a rate then is no count
 */
export function readPixelUnit(header: Header, exposureSeconds: number | undefined): PixelUnit {
  const told = header.string('BUNIT')?.trim() ?? ''
  const adu = { value: 'adu', text: 'adu', factor: 1 } as const
  if (told === '')
    return { ...adu, from: 'assumed', conversion: 'none told: counts of the converter', confidence: 'likely' }
  const as = (value: UnitKind, conversion: string, factor = 1): PixelUnit => {
    const text = value === 'physical' ? told : value.replace('/s', '')
    return { value, text, factor, from: 'BUNIT', conversion, confidence: 'certain' }
  }
  const whole = told
    .toLowerCase()
    .replace(/[\s'"_[\]]/g, '')
    .replace(perPixel, '')
  const short = whole.replace(thousand, '')
  const counted = short === 'cps' ? 'count' : short.replace(perSecond, '')
  const kind = counts.find(({ pattern }) => pattern.test(counted))?.kind
  const many = short === whole ? 1 : 1000
  if (kind && counted === short)
    return as(kind, kind === whole ? '' : `'${told}' stands for ${many === 1 ? '' : 'a thousand '}${kind}`, many)
  if (kind && exposureSeconds !== undefined)
    return as(`${kind}/s`, `'${told}' times the ${exposureSeconds} s of the exposure`, many * exposureSeconds)
  if (kind) return as('physical', 'a rate, and no exposure is told: no counts')
  if (physical.test(told)) return as('physical', 'no counts: the gain is that of the noise')
  return { ...adu, from: 'assumed', conversion: `BUNIT = '${told}' is not understood`, confidence: 'guess' }
}

type Told = Partial<
  Record<'gainElectronsPerAdu' | 'readNoiseElectrons' | 'saturationAdu' | 'pedestalAdu', Found<number>>
>

const inElectrons = /\be(-|lec\w*)?(?![a-z])/i

/**
 * What is told of a camera, in ADU of one exposure, as it holds for pixels of another unit: of electrons the gain is 1 and
 * levels told in ADU are as many as the gain tells. The read noise stays in electrons. Of a flux that is no count nothing
 * else holds. (A rate is multiplied by its seconds before it is looked at: then it is a count.)
 */
export function inPixelUnit(told: Told, unit: PixelUnit, header: Header): Told {
  const { gainElectronsPerAdu: gain, readNoiseElectrons, saturationAdu, pedestalAdu } = told
  if (unit.text === 'adu') return told
  if (unit.value === 'physical') return { readNoiseElectrons }
  const level = (found: Found<number> | undefined) => {
    if (!found || !gain || inElectrons.test(header.comment(found.from))) return found
    return { ...found, value: found.value * gain.value, conversion: noted(found, 'ADU to electrons by the gain') }
  }
  return {
    gainElectronsPerAdu: { value: 1, from: unit.from, conversion: 'the pixels are electrons', confidence: 'certain' },
    readNoiseElectrons,
    saturationAdu: level(saturationAdu),
    pedestalAdu: level(pedestalAdu),
  }
}

function noted({ conversion }: Found<number>, words: string): string {
  return conversion ? `${conversion}; ${words}` : words
}

const SAMPLES = 20_000
const LEAST_SCATTER = 5 // ADU, of the pixels of a usual frame: its noise and faint stars
const UNHEARD_OF = { below: 1e-3, above: 1e5 } // ADU, of any camera

/**
 * The power of ten by which pixels that are no counts become numbers like those of a camera: their scatter between 5 and 50.
 * 0 for counts, and where the pixels tell no scatter.
 */
export function powerToCounts(pixels: Float32Array, { value: kind, from }: PixelUnit): number {
  const stride = Math.max(1, Math.floor(pixels.length / SAMPLES))
  const sample: number[] = []
  for (let i = 0; i < pixels.length; i += stride) if (Number.isFinite(pixels[i])) sample.push(pixels[i])
  const scatter = madSigma(sample, median(sample))
  if (!(scatter > 0)) return 0
  const none = scatter < UNHEARD_OF.below && Math.max(...sample) < 1
  const odd = from === 'assumed' && (none || scatter > UNHEARD_OF.above)
  return kind === 'physical' || odd ? Math.ceil(Math.log10(LEAST_SCATTER / scatter)) : 0
}
