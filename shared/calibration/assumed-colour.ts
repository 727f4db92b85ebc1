import type { Colours } from './colours.ts'
import type { TargetColour } from './target-colour.ts'

/**
 * Colours of what telescopes are called to, mag: centre and 1 σ. Photospheres of supernovae and novae, discs of cataclysmic
 * variables and of quasars are near black bodies of 4700 to 10 400 K (7000 K in the middle), seen through Planck's law at
 * the bands' effective wavelengths, AB for Sloan bands, else Vega. Novae at their peak are measured at
 * B − V = 0.20 ± 0.31 before reddening (arXiv 2412.15108), which lies within.
 */
const TRANSIENTS: Record<string, TargetColour> = {
  'u-g': { colour: 0.66, error: 0.65 },
  'g-r': { colour: 0.24, error: 0.39 },
  'B-V': { colour: 0.42, error: 0.4 },
  'V-I': { colour: 0.55, error: 0.48 },
  'BP-RP': { colour: 0.54, error: 0.56 },
  'BT-VT': { colour: 0.44, error: 0.44 },
  'J-H': { colour: 0.12, error: 0.14 },
  'J-K': { colour: 0.2, error: 0.23 },
}

/**
 * The colour of a target that a survey does not have. It is a transient, or a star that is too faint or too close to another
 * for the survey: as likely the one as the other, for nothing tells. Mean and scatter of both populations together.
 *
 * @param name of the colour: 'g-r'
 * @param field colours of the calibrating stars
 */
export function colourOfUncatalogued(name: string, { median, spread }: Colours): TargetColour {
  const transient = TRANSIENTS[name]
  if (!transient) return { colour: median, error: spread }
  const halfApart = (median - transient.colour) / 2
  const within = (spread ** 2 + transient.error ** 2) / 2
  return { colour: transient.colour + halfApart, error: Math.sqrt(within + halfApart ** 2) }
}
