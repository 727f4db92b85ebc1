import type { Dialect } from './dialect.ts'

/**
 * PANOPTES (POCS): raw frames of a DSLR behind an 85 mm lens, with Canon's own keywords. The mount's field centre is
 * told, not that of a cut-out, hence the wide uncertainty: the whole frame spans 15 × 10 degrees.
 */
export const panoptes: Dialect = {
  id: 'panoptes',
  title: 'PANOPTES',
  known: [
    { key: 'ORIGIN', matches: /PANOPTES/i },
    { key: 'CREATOR', matches: /^POCS/ },
  ],
  fields: {
    object: [{ key: 'FIELD' }],
    telescope: [{ key: 'OBSERVER' }],
    saturationAdu: [{ key: 'WHTLVLS', as: 'positive', confidence: 'likely' }],
    bayerPattern: [{ key: 'FILTER' }],
    latitudeDeg: [{ key: 'LAT-OBS' }],
    longitudeEastDeg: [{ key: 'LONG-OBS' }],
    heightM: [{ key: 'ELEV-OBS' }],
  },
  pointings: [{ ra: 'RA-MNT', dec: 'DEC-MNT', as: 'degrees', uncertaintyDeg: 3, confidence: 'likely' }],
  assumes: {
    pedestalAdu: { value: 2048, because: "black level of Canon's 14-bit raw files" },
    pixelScaleArcsec: {
      value: 10.3,
      because: "every unit has the same 85 mm lens before 4.3 µm pixels, 10.3'' a pixel",
    },
  },
}
