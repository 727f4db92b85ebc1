import type { StandardHeader } from '#events/frame.ts'
import type { Cone, SurveyId, Tiles } from '#shared/catalogue/reference.ts'
import { encodeTables, type FitsColumn } from '#shared/fits/table.ts'
import { inPixelUnit } from '#shared/numeric/table.ts'
import { surroundingsByRegion } from '#shared/photometry/empty-places.ts'
import { measureTarget } from '#shared/photometry/forced.ts'
import { expectedStars, type KnownStars } from '#shared/photometry/known-stars.ts'
import type { MeasuredFrame } from '#shared/photometry/measure-stars.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'
import { starsOnFrame } from './known-stars.ts'

/**
 * Forced photometry of every star of a survey on the frame, seen or not, its place held where the survey has it at the
 * time of the exposure.
 *
 * @returns `survey-stars.fits`: one row per star with a usable pixel, brightest in the survey first, positions in the FITS
 *   convention
 * @throws {CpcsError} TilesUnavailable
 */
export async function measureSurvey(
  measured: MeasuredFrame,
  survey: SurveyId,
  tiles: Tiles,
  { cone, wcs, header, known }: { cone: Cone; wcs: Wcs; header: StandardHeader; known?: KnownStars },
): Promise<Uint8Array> {
  const { scene, stars, psf } = measured
  const expected = known && expectedStars(scene, stars, psf, known)
  const around = surroundingsByRegion(measured, expected)
  const placed = await starsOnFrame(tiles, survey, cone, wcs, header.mjdUtcMid)
  const rows = Array.from(placed.x, (x, i) => {
    const y = placed.y[i]
    if (!(x > -0.5 && y > -0.5 && x < scene.width - 0.5 && y < scene.height - 0.5)) return undefined
    const star = { name: placed.stars.id[i], raDeg: placed.raDeg[i], decDeg: placed.decDeg[i] }
    return measureTarget(measured, star, x, y, { expected, around, held: true })
  }).filter(row => row !== undefined)
  const column = (name: string, unit: string, description: string, of: (row: (typeof rows)[number]) => number) => ({
    name,
    unit,
    description,
    data: Float64Array.from(rows, of),
  })
  const columns: FitsColumn[] = [
    { name: 'id', unit: '', description: `Identity in ${survey}`, data: rows.map(row => row.name) },
    column('ra', 'deg', 'Right ascension, ICRS, at the epoch of the frame', row => row.raDeg),
    column('dec', 'deg', 'Declination, ICRS, at the epoch of the frame', row => row.decDeg),
    column('x', 'pix', 'Position along the rows, FITS convention, held', row => row.x + 1),
    column('y', 'pix', 'Position along the columns, FITS convention, held', row => row.y + 1),
    column('flux', 'adu', 'PSF flux at the held position; may be negative', row => row.flux),
    column('flux_err', 'adu', 'Error of flux, 1 sigma', row => row.fluxErr),
    column('chi', '', 'Root of the reduced chi squared in the core', row => row.chi),
    {
      name: 'flags',
      unit: '',
      description: 'Quality flags, bits of the flag table',
      data: Int32Array.from(rows, row => row.flags),
    },
  ]
  return encodeTables([{ name: 'SURVEY_STARS', columns: inPixelUnit(columns, header.pixelUnit) }])
}
