/**
 * A frame in memory. Pixels are row-major ADU as the camera counted them (pedestal and sky included), 0-based: the
 * centre of the first pixel is (0, 0); row y starts at y·width. Rows are in file order.
 */
export interface Frame {
  width: number
  height: number
  pixels: Float32Array
  /** One byte per pixel, bits of {@link MASK}; 0 is a good pixel. Pixels that are NaN carry `bad`. */
  mask: Uint8Array
  detector: Detector
}

export interface Detector {
  gainElectronsPerAdu: number
  readNoiseElectrons: number
  /** Pixel values at or above it are saturated, ADU. */
  saturationAdu: number
  /** Added by the camera before digitising, ADU; 0 where not known. It carries no photon noise. */
  pedestalAdu: number
}

/** Bits of a frame's mask. */
export const MASK = {
  /** NaN, BLANK, dead or hot pixel, bad column. */
  bad: 1,
  /** At or above the saturation level, or part of a bleed trail. */
  saturated: 2,
  cosmicRay: 4,
  /** Not sensitive to this band (red and blue pixels of a Bayer mosaic of which green is measured). */
  otherColour: 8,
} as const

/** Detected sources, one column per quantity; positions 0-based pixel. Sorted by falling flux. */
export type Detections = {
  x: Float64Array
  y: Float64Array
  /** 1 σ of the position per axis, pixel. */
  xErr: Float64Array
  yErr: Float64Array
  /** Background-subtracted flux in an aperture or isophote good enough for ranking, ADU. */
  flux: Float64Array
  fluxErr: Float64Array
  /** Highest background-subtracted pixel, ADU. */
  peak: Float64Array
  /** Significance of the matched filter at the peak, σ. */
  significance: Float64Array
  /** Full width at half maximum from windowed second moments, pixel. */
  fwhm: Float64Array
  /** Major over minor axis, ≥ 1. */
  elongation: Float64Array
  /** Bits of `shared/flags.ts`. */
  flags: Int32Array
}
