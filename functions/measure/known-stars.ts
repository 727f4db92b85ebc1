import type { StandardHeader } from '#events/frame.ts'
import type { Cone, SurveyId, Tiles } from '#shared/catalogue/reference.ts'
import type { KnownStars } from '#shared/photometry/known-stars.ts'
import { propagate } from '#shared/sky/epoch.ts'
import { julianEpoch } from '#shared/sky/time.ts'
import { pixelScaleDeg, skyToPixel } from '#shared/sky/wcs.ts'
import type { Wcs } from '#shared/sky/wcs-type.ts'

/** The survey that parts stars which lie closer than the seeing: it was made above the air. */
const SURVEY = 'gaia_dr3'
/** Enough for the deepest frame; what is fainter in a crowded field stays in the tiles. */
const MOST_STARS = 100_000

/**
 * The stars of Gaia as they stand on a frame, or undefined where its tiles were not imported.
 *
 * @throws {CpcsError} TilesUnavailable
 */
export async function knownStars(
  tiles: Tiles,
  cone: Cone,
  wcs: Wcs,
  { mjdUtcMid }: StandardHeader,
): Promise<KnownStars | undefined> {
  if (!(await tiles.surveys()).includes(SURVEY)) return undefined
  const { stars, x, y, errorMas } = await starsOnFrame(tiles, SURVEY, cone, wcs, mjdUtcMid)
  const { G, BP, RP } = stars.mag
  const masPerPixel = pixelScaleDeg(wcs) * 3.6e6
  return { x, y, errorPx: errorMas.map(mas => mas / masPerPixel), mag: G, colour: BP.map((value, i) => value - RP[i]) }
}

/** Stars of a survey around a frame, brightest first, where they stood at the time of the exposure: 0-based pixel, degrees, mas. */
export async function starsOnFrame(tiles: Tiles, survey: SurveyId, cone: Cone, wcs: Wcs, mjdUtcMid: number) {
  const stars = await tiles.cone(survey, cone, { limit: MOST_STARS })
  const { raDeg, decDeg, raErrMas, decErrMas } = propagate(stars, julianEpoch(mjdUtcMid))
  const x = new Float64Array(stars.count)
  const y = new Float64Array(stars.count)
  for (let i = 0; i < stars.count; i++) [x[i], y[i]] = skyToPixel(wcs, raDeg[i], decDeg[i])
  const errorMas = raErrMas.map((error, i) => (error + decErrMas[i]) / 2 || 0)
  return { stars, raDeg, decDeg, x, y, errorMas }
}
