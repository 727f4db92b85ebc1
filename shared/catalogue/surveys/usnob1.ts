import { type Survey, type SurveyBand, survey } from '../survey.ts'
import { vizier } from '../upstreams.ts'

/** Magnitudes of Schmidt plates, 0.3 mag: they rank stars and stand for no band that a frame is calibrated to. */
const plate = (name: string, bright: number, faint: number): SurveyBand => ({
  mag: [`${name}mag`],
  assumedErr: () => 0.3,
  system: 'Vega',
  standsFor: `plate ${name}`,
  bright,
  faint,
})

/** Positions of the whole sky to magnitude 20, to two tenths of an arcsecond: for places where nothing better is. */
export const usnob1: Survey = survey({
  id: 'usnob1',
  title: 'USNO-B1.0',
  source: 'Monet et al. 2003, AJ 125, 984; VizieR I/284/out',
  mainBand: 'R2',
  bands: { B2: plate('B2', 12, 20.5), R2: plate('R2', 11, 20) },
  columns: {
    id: ['USNO-B1.0', 'id'],
    // At epoch and equinox 2000: the column Epoch is the mean of the plates', not that of the position.
    ra: ['RAJ2000', 'RAdeg', 'ra'],
    dec: ['DEJ2000', 'DEdeg', 'dec'],
    raErr: [
      ['e_RAJ2000', 1],
      ['e_RAdeg', 1],
    ],
    decErr: [
      ['e_DEJ2000', 1],
      ['e_DEdeg', 1],
    ],
    pmRa: ['pmRA'],
    pmDec: ['pmDE'],
    pmErr: ['e_pmRA'],
  },
  epochYear: 2000,
  positionErrMas: 200,
  // none: stars copied from Tycho-2; else the number of plates that saw it
  clean: [{ columns: [['Ndet']], keep: plates => plates === 0 || plates >= 3 }],
  declination: [-90, 90],
  systematicMag: 0.3,
  lastResort: true,
  upstreams: [
    vizier('I/284/out', {
      ra: 'RAJ2000',
      dec: 'DEJ2000',
      magnitude: 'R2mag',
      columns: ['USNO-B1.0', 'e_RAJ2000', 'e_DEJ2000', 'pmRA', 'pmDE', 'e_pmRA', 'Ndet', 'B2mag', 'R2mag'],
    }),
  ],
})
