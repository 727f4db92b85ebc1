import { type Survey, survey } from '../survey.ts'
import { vizier } from '../upstreams.ts'

/** Positions of the whole sky to magnitude 16 where Gaia's are missing. Its band between V and r ranks the stars. */
export const ucac4: Survey = survey({
  id: 'ucac4',
  title: 'Fourth USNO CCD Astrograph Catalog',
  source: 'Zacharias et al. 2013, AJ 145, 44; VizieR I/322A/out',
  mainBand: 'UCAC',
  bands: {
    UCAC: {
      mag: ['f.mag', 'f_mag', 'a.mag', 'a_mag'],
      err: ['e_a.mag', 'e_a_mag'],
      assumedErr: mag => Math.hypot(0.05, 0.1 * 10 ** (0.4 * (mag - 16))),
      system: 'Vega',
      standsFor: 'UCAC',
      bright: 7.5,
      faint: 16.3,
    },
  },
  columns: {
    id: ['UCAC4'],
    // Brought to epoch 2000 by the catalogue: EpRA and EpDE tell when it observed, not of when the position is.
    ra: ['RAJ2000', 'RA_ICRS'],
    dec: ['DEJ2000', 'DE_ICRS'],
    raErr: [
      ['e_RAJ2000', 1],
      ['e_RA_ICRS', 1],
      ['ePos', 1],
    ],
    decErr: [
      ['e_DEJ2000', 1],
      ['e_DE_ICRS', 1],
      ['ePos', 1],
    ],
    pmRa: ['pmRA'],
    pmDec: ['pmDE'],
    pmErr: ['e_pmRA'],
  },
  epochYear: 2000,
  positionErrMas: 40,
  clean: [
    { columns: [['of']], keep: object => object === 0 },
    { columns: [['db']], keep: double => double === 0 },
  ],
  declination: [-90, 90],
  systematicMag: 0.1,
  lastResort: true,
  upstreams: [
    vizier('I/322A/out', {
      ra: 'RAJ2000',
      dec: 'DEJ2000',
      magnitude: 'f.mag',
      columns: ['UCAC4', 'e_RAJ2000', 'e_DEJ2000', 'f.mag', 'a.mag', 'e_a.mag', 'of', 'db', 'pmRA', 'pmDE', 'e_pmRA'],
    }),
  ],
})
