import { CpcsError } from '#shared/errors.ts'
import { type AmplifierLayout, assembledHeader, isAmplifier, layoutOf } from './amplifiers.ts'
import type { FitsFile, Hdu } from './file.ts'
import type { Header } from './header.ts'
import { axesOf } from './image.ts'

/** Extensions that go with an image and are none themselves: masks, errors, weights, catalogues. */
const companions = /^(BPM|DQ|QUALITY|MASK|ERR|ERROR|VAR|VARIANCE|WHT|WEIGHT|IVAR|CAT|BKG|RMS|UNC|UNCERT|CONF|EXPMAP)/

const skies = /^(SCI|SCIENCE|IMAGE|DATA)$/

const MIN_SIDE_PX = 16 // fewer rows than this hold no star with its sky: a spectrum, a profile or a test

export interface SciencePlane {
  hdu: Hdu
  width: number
  height: number
  /** The cards of its unit, then those of the primary header. */
  header: Header
  /** How it is to be put together from several amplifiers; undefined where `hdu` holds all of it. */
  amplifiers?: AmplifierLayout
}

/**
 * Choose the one image of the sky that a file holds: the unit that is named so (EXTNAME SCI, EXTTYPE IMAGE, HDUCLAS2 DATA), else the primary image, else the only other, else
 * what the amplifiers of one detector make up together.
 *
 * @throws {CpcsError} NoImage (tables, spectra), NotSingleImage (colour cubes, several images)
 */
export function sciencePlane(file: Pick<FitsFile, 'hdus'>): SciencePlane {
  const images = file.hdus.filter(hdu => hdu.kind === 'image' || hdu.kind === 'compressed').filter(hasPixels)
  if (images.length === 0) throw new CpcsError('NoImage', { found: inWords(file) })
  const own = images.filter(hdu => !rolesOf(hdu).some(role => companions.test(role)))
  const chosen = choose(own.length > 0 ? own : images)
  if ('amplifiers' in chosen) {
    const { width, height, amplifiers } = chosen
    const header = assembledHeader(file.hdus[0].header, chosen)
    return { hdu: amplifiers[0].hdu, width, height, header, amplifiers: chosen }
  }
  const axes = axesOf(chosen)
  const [width, height = 1] = axes
  const planes = axes.slice(2).reduce((product, axis) => product * axis, 1)
  if (planes > 1)
    throw new CpcsError('NotSingleImage', {
      found: planes === 3 ? 'a colour cube of 3 planes' : `a cube of ${planes} planes`,
    })
  if (axes.length === 1 || Math.min(width, height) < 2)
    throw new CpcsError('NoImage', { found: `one row of ${Math.max(width, height)} values, as in a spectrum` })
  if (Math.min(width, height) < MIN_SIDE_PX)
    throw new CpcsError('NoImage', { found: `only ${width} × ${height} pixels` })
  return { hdu: chosen, width, height, header: chosen.header.inheriting(file.hdus[0].header) }
}

/** What a unit says that it is: by its name, in LSST's way, or in OGIP's. */
function rolesOf({ name, header }: Hdu): string[] {
  return [name, header.string('EXTTYPE') ?? '', header.string('HDUCLAS2') ?? ''].map(role => role.toUpperCase())
}

function hasPixels(hdu: Hdu): boolean {
  const axes = axesOf(hdu)
  return axes.length > 0 && axes.every(axis => axis > 0)
}

function choose(images: Hdu[]): Hdu | AmplifierLayout {
  const science = images.filter(hdu => rolesOf(hdu).some(role => skies.test(role)))
  const flat = images.filter(hdu => axesOf(hdu).length >= 2)
  const candidates = science.length > 0 ? science : flat.length > 0 ? flat : images
  if (candidates.length === 1 || candidates[0].index === 0) return candidates[0]
  const amplifiers = candidates.filter(isAmplifier)
  const layout = amplifiers.length === candidates.length ? layoutOf(amplifiers) : undefined
  if (layout) return layout
  if (amplifiers.length > 1)
    throw new CpcsError('NotSingleImage', {
      found: `a raw frame of ${amplifiers.length} amplifiers whose DETSEC and DATASEC do not say how they join`,
    })
  throw new CpcsError('NotSingleImage', { found: `${candidates.length} images in its extensions` })
}

function inWords(file: Pick<FitsFile, 'hdus'>): string {
  const tables = file.hdus.filter(hdu => hdu.kind === 'table').length
  if (tables > 0) return `only ${tables} table${tables > 1 ? 's' : ''}`
  if (file.hdus.some(({ kind }) => kind === 'groups')) return 'random groups, as of a radio interferometer'
  return 'its headers announce no pixels'
}
