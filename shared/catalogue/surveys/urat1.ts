import { type Survey, survey } from '../survey.ts'
import { vizier } from '../upstreams.ts'

/** Positions of the northern sky where Gaia's are missing. Its red band is no standard one: it ranks the stars. */
export const urat1: Survey = survey({
  id: 'urat1',
  title: 'First USNO Robotic Astrometric Telescope Catalog',
  source: 'Zacharias et al. 2015, AJ 150, 101; VizieR I/329/urat1',
  mainBand: 'URAT',
  bands: {
    URAT: {
      mag: ['f.mag', 'f_mag', 'mmag'],
      err: ['e_f.mag', 'e_f_mag', 'sigp'],
      assumedErr: mag => Math.hypot(0.03, 0.1 * 10 ** (0.4 * (mag - 18))),
      system: 'Vega',
      standsFor: 'URAT',
      bright: 3,
      faint: 18.5,
    },
  },
  columns: {
    id: ['URAT1', 'id'],
    ra: ['RAJ2000', 'ra'],
    dec: ['DEJ2000', 'dec'],
    // from the model of errors: the scatter of few exposures tells little
    raErr: [
      ['sigm', 1],
      ['sigs', 1],
    ],
    decErr: [
      ['sigm', 1],
      ['sigs', 1],
    ],
    pmRa: ['pmRA'],
    pmDec: ['pmDE'],
    pmErr: ['e_pm', 'e_pmRA'],
    // of the position, whatever the J2000 in the column's name says
    epoch: ['Epoch'],
  },
  epochYear: 2013.5,
  positionErrMas: 25,
  clean: [],
  declination: [-25, 90],
  systematicMag: 0.1,
  lastResort: true,
  upstreams: [
    vizier('I/329/urat1', {
      ra: 'RAJ2000',
      dec: 'DEJ2000',
      magnitude: 'f.mag',
      columns: ['URAT1', 'sigs', 'sigm', 'Epoch', 'f.mag', 'e_f.mag', 'pmRA', 'pmDE', 'e_pm'],
    }),
  ],
})
