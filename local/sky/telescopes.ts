import type { Chip } from './render.ts'
import type { SkyBand } from './star-field.ts'

/** A telescope of the virtual sky with its camera, filters and habits. */
export interface Telescope {
  name: string
  site: { latitudeDeg: number; longitudeEastDeg: number; heightM: number }
  width: number
  height: number
  focalLengthMm: number
  apertureMm: number
  pixelMicrons: number
  rotationDeg: number
  parity: 1 | -1
  /** Cubic radial distortion, per pixel². */
  distortion: number
  chip: Chip
  exposureSeconds: number
  filters: Record<string, Filter>
  dialect: 'maxim' | 'nina'
}

export interface Filter {
  /** As the camera program writes it. */
  name: string
  band: SkyBand
  /** Magnitude that gives one electron per second. */
  zeroPointMag: number
  /** What the filter sees beyond the band's own system: term × (blue − red). */
  colourTerm: number
  colour: [blue: SkyBand, red: SkyBand]
  /** Dark sky, mag per square arcsecond. */
  skyMag: number
}

/** Side of a pixel on the sky, arcseconds. */
export function scaleArcsec(telescope: Telescope): number {
  return (telescope.pixelMicrons / 1000 / telescope.focalLengthMm) * (180 / Math.PI) * 3600
}

/** A half-metre with a CCD, run by MaxIm DL: north roughly up, the image as on the sky, 0.8″ pixels. */
const alcor: Telescope = {
  name: 'alcor',
  site: { latitudeDeg: 37.06, longitudeEastDeg: -3.38, heightM: 2890 },
  width: 1024,
  height: 1024,
  focalLengthMm: 3480,
  apertureMm: 508,
  pixelMicrons: 13.5,
  rotationDeg: 4.7,
  parity: 1,
  distortion: 3.1e-9,
  chip: {
    gainElectronsPerAdu: 1.45,
    readNoiseElectrons: 8.2,
    biasAdu: 100,
    saturationAdu: 62_000,
    deadColumns: [311],
    hotPixels: [
      { x: 700, y: 120, electrons: 9000 },
      { x: 88, y: 803, electrons: 4000 },
      { x: 512, y: 300, electrons: 15_000 },
    ],
  },
  exposureSeconds: 90,
  dialect: 'maxim',
  filters: {
    g: { name: 'Sloan g', band: 'g', zeroPointMag: 22.9, colourTerm: 0.022, colour: ['g', 'r'], skyMag: 21.6 },
    r: { name: 'Sloan r', band: 'r', zeroPointMag: 22.7, colourTerm: -0.012, colour: ['g', 'r'], skyMag: 20.8 },
  },
}

/** A 40-centimetre with a CMOS camera, run by N.I.N.A.: turned, mirrored by a diagonal, 1.1″ pixels. */
const mizar: Telescope = {
  name: 'mizar',
  site: { latitudeDeg: -23.24, longitudeEastDeg: 16.36, heightM: 1840 },
  width: 900,
  height: 700,
  focalLengthMm: 1410,
  apertureMm: 400,
  pixelMicrons: 7.52,
  rotationDeg: 137.4,
  parity: -1,
  distortion: -5.2e-9,
  chip: {
    gainElectronsPerAdu: 0.82,
    readNoiseElectrons: 3.4,
    biasAdu: 500,
    saturationAdu: 65_535,
    deadColumns: [],
    hotPixels: [
      { x: 450, y: 611, electrons: 12_000 },
      { x: 31, y: 77, electrons: 5000 },
    ],
  },
  exposureSeconds: 60,
  dialect: 'nina',
  filters: {
    r: { name: 'r', band: 'r', zeroPointMag: 22.3, colourTerm: 0.018, colour: ['g', 'r'], skyMag: 20.7 },
    i: { name: 'i', band: 'i', zeroPointMag: 21.9, colourTerm: -0.025, colour: ['r', 'i'], skyMag: 19.8 },
  },
}

export const telescopes = { alcor, mizar }
