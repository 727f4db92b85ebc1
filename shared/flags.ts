/**
 * Quality flags of stars, points and frames: one bitmask, each bit with the sentence that a scientist reads.
 * Bits are stable: never renumber, only append.
 */
export const flags = {
  blended: { bit: 0, tells: 'Other stars lie within the fitting radius; fitted together with them.' },
  saturated: { bit: 1, tells: 'At least one pixel in the core is saturated; the flux rests on the wings.' },
  nearEdge: { bit: 2, tells: 'Part of the star lies outside the frame.' },
  maskedPixels: { bit: 3, tells: 'Bad or masked pixels lie within the fitting radius.' },
  cosmicRay: { bit: 4, tells: 'A cosmic-ray hit lies within the fitting radius.' },
  poorFit: { bit: 5, tells: 'The star does not look like the PSF (galaxy, blend, defect or trail).' },
  forcedPosition: { bit: 6, tells: 'Measured at a given position, which was not fitted.' },
  colourExtrapolated: { bit: 7, tells: 'The colour lies outside the range of the calibrating stars.' },
  fewCalibrators: { bit: 8, tells: 'Fewer than ten stars carry the zero point.' },
  gainEstimated: { bit: 9, tells: 'The gain was estimated from the pixels, not told by header or profile.' },
  readNoiseEstimated: { bit: 10, tells: 'The read noise was estimated from the pixels.' },
  saturationEstimated: { bit: 11, tells: 'The saturation level was estimated from the pixels.' },
  timeUncertain: { bit: 12, tells: 'The time of the exposure is uncertain: see the provenance of mjdUtcMid.' },
  solvedWithoutHint: { bit: 13, tells: 'The pointing was found without a hint from the header.' },
  colourAssumed: { bit: 14, tells: "The target's colour was not known; an assumed one enters the colour term." },
  bandAmbiguous: { bit: 15, tells: 'Survey and band could not be told apart by the data.' },
  noColourTerm: { bit: 16, tells: 'Too few stars for a colour term; none was applied.' },
  exposureUnknown: { bit: 17, tells: 'The exposure time is unknown.' },
  mosaicGreen: { bit: 18, tells: 'Measured on the green pixels of a Bayer mosaic.' },
  fitNotConverged: { bit: 19, tells: 'The PSF fit did not converge within its bound of iterations.' },
  bandFromData: {
    bit: 20,
    tells:
      'The header names no known filter, or one that the stars contradict or cannot be calibrated to; survey and band were chosen by the stars alone.',
  },
  zeroPointUnusual: {
    bit: 21,
    tells: 'The zero point lies far off what this camera and filter usually have: clouds, dew, another gain or filter.',
  },
  colourTermUnusual: {
    bit: 22,
    tells: 'The colour term contradicts the earlier frames of this camera and filter; theirs were left aside.',
  },
  implausible: { bit: 23, tells: 'Magnitude or error were beyond anything on the sky and are withheld.' },
  noStandardBand: {
    bit: 24,
    tells:
      'No survey of a standard band has stars here: calibrated to the broad band of an astrometric one, good to 0.1 to 0.3 mag.',
  },
  cameraDrifts: {
    bit: 25,
    tells:
      'Zero point or colour term of this camera and filter move steadily from night to night: dust, an ageing filter.',
  },
  skyCutOff: {
    bit: 26,
    tells:
      'The darker part of the noise is missing: the sky was cut off at its lowest value (no pedestal). Faint stars come out wrong, and so do limits.',
  },
  deadArea: {
    bit: 27,
    tells: 'Part of the frame holds one and the same value (not read out, lost rows, padding) and is masked.',
  },
} as const

export type Flag = keyof typeof flags

/** The mask with the named flags set. */
export function flagMask(...names: Flag[]): number {
  return names.reduce((mask, name) => mask | (1 << flags[name].bit), 0)
}

/** The names of the flags set in a mask, in bit order. */
export function flagNames(mask: number): Flag[] {
  return (Object.keys(flags) as Flag[]).filter(name => (mask & (1 << flags[name].bit)) !== 0)
}

/** Whether a word names a flag. */
export function isFlag(name: string): name is Flag {
  return Object.hasOwn(flags, name)
}

/** Whether a mask has the named flag. */
export function hasFlag(mask: number, name: Flag): boolean {
  return (mask & (1 << flags[name].bit)) !== 0
}
