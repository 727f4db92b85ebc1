import { pixelScaleDeg, wcsFromCards } from '#shared/sky/wcs.ts'
import { contradicted, type Found, findNumber, type Reader } from './read-value.ts'

const ALIKE = 0.02 // ratio of two axes that passes for 1

/** Pixels summed along each axis, as far as it is told. */
export interface Binning {
  x: Found<number> | undefined
  y: Found<number> | undefined
}

/**
 * Height of a pixel over its width: by the sizes of both axes; by the binning where that differs and the sizes, which then
 * do not count it, do not; by a WCS whose axes differ. Binning that is the same on both axes says nothing of the pixels
 * of the chip.
 */
export function findPixelAspect(reader: Reader, binning: Binning): Found<number> | undefined {
  const width = findNumber(reader, 'pixelSizeMicron')
  const height = findNumber(reader, 'pixelHeightMicron')
  const bySize = width &&
    height && { ...height, value: height.value / width.value, from: `${width.from}, ${height.from}` }
  const byBinning = binning.x && binning.y && { ...binning.y, value: binning.y.value / binning.x.value }
  if (bySize && !isSquare(bySize.value)) return { ...bySize, conversion: 'ratio of the sizes' }
  if (byBinning && !isSquare(byBinning.value))
    return { ...byBinning, from: `${binning.x!.from}, ${byBinning.from}`, conversion: 'ratio of the binning' }
  return bySize ? { ...bySize, conversion: 'ratio of the sizes' } : aspectOfWcs(reader)
}

function isSquare(aspect: number): boolean {
  return Math.abs(Math.log(aspect)) < ALIKE
}

function aspectOfWcs({ header }: Reader): Found<number> | undefined {
  const cd = wcsFromCards(header)?.cd
  if (!cd) return undefined
  const value = Math.hypot(cd[1], cd[3]) / Math.hypot(cd[0], cd[2])
  if (!(value > 0.1 && value < 10) || isSquare(value)) return undefined
  return { value, from: 'WCS', conversion: 'ratio of the axes of the WCS of the header', confidence: 'guess' }
}

/**
 * Arcseconds per pixel: told, or from pixel size and focal length, or from a WCS in the header; of pixels that are not
 * square the geometric mean of both axes, where both are known.
 */
export function findPixelScale(reader: Reader, binning: Binning, aspect: number): Found<number> | undefined {
  const told = findNumber(reader, 'pixelScaleArcsec')
  const optics = scaleOfOptics(reader, binning, aspect)
  if (told && told.from !== 'assumed') return contradicted(told, optics ? [optics] : [])
  if (optics) return optics
  const wcs = wcsFromCards(reader.header)
  if (!wcs) return told
  const conversion = 'scale of the WCS of the header'
  return { value: pixelScaleDeg(wcs) * 3600, from: 'WCS', conversion, confidence: 'likely' }
}

function scaleOfOptics(reader: Reader, { x, y }: Binning, aspect: number): Found<number> | undefined {
  const focal = findNumber(reader, 'focalLengthMm')
  const size = findNumber(reader, 'pixelSizeMicron')
  const height = findNumber(reader, 'pixelHeightMicron')
  const unbinned = size ? undefined : findNumber(reader, 'unbinnedPixelSizeMicron')
  if (!focal || !(size || unbinned)) return undefined
  // sizes that are alike where the binning is not do not count it
  const uncounted = size && height && isSquare(height.value / size.value) && !isSquare(aspect)
  const width = size && !uncounted ? size.value : (size ?? unbinned)!.value * (x?.value ?? 1)
  const counted = (unbinned || uncounted) && Math.max(x?.value ?? 1, y?.value ?? 1) > 1
  return {
    value: (206.264806 * width * Math.sqrt(aspect)) / focal.value,
    from: `${(size ?? unbinned)!.from}, ${focal.from}`,
    conversion: `pixel size over focal length${counted ? ', times binning' : ''}`,
    confidence: 'likely',
  }
}
