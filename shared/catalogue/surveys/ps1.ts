import { type Survey, type SurveyBand, survey } from '../survey.ts'
import { hats, vizier } from '../upstreams.ts'

const band = (name: string, bright: number, faint: number): SurveyBand => ({
  mag: [`${name}mag`, `${name}MeanPSFMag`],
  err: [`e_${name}mag`, `${name}MeanPSFMagErr`],
  assumedErr: mag => Math.hypot(0.01, 0.1 * 10 ** (0.4 * (mag - faint))),
  system: 'AB',
  standsFor: name,
  bright,
  faint,
  colour: ['g', 'r'],
})

export const ps1: Survey = survey({
  id: 'ps1',
  title: 'Pan-STARRS1, mean PSF photometry',
  source: 'Chambers et al. 2016; VizieR II/349/ps1 and II/389, MAST PS1 DR2 object table',
  mainBand: 'r',
  bands: {
    g: band('g', 14, 21.5),
    r: band('r', 14, 21.3),
    i: band('i', 14, 21),
    z: band('z', 13.5, 20.3),
    y: band('y', 12.5, 19.3),
  },
  columns: {
    id: ['objID', 'objid'],
    ra: ['RAJ2000', 'RA_ICRS', 'raMean', 'RAdeg'],
    dec: ['DEJ2000', 'DE_ICRS', 'decMean', 'DEdeg'],
    raErr: [
      ['e_RAJ2000', 1000],
      ['e_RA_ICRS', 1000],
      ['raMeanErr', 1000],
    ],
    decErr: [
      ['e_DEJ2000', 1000],
      ['e_DE_ICRS', 1000],
      ['decMeanErr', 1000],
    ],
    epoch: ['Epoch', 'epochMean'],
  },
  epochYear: 2013.3,
  positionErrMas: 20,
  clean: [
    { columns: [['Nd', 'nDetections']], keep: detections => detections >= 5 },
    // Farrow et al. 2014: what is brighter in a Kron than in a PSF aperture is a galaxy
    {
      columns: [
        ['imag', 'iMeanPSFMag'],
        ['iKmag', 'iMeanKronMag'],
      ],
      keep: (psf, kron) => psf - kron < 0.05,
    },
  ],
  declination: [-30.5, 90],
  systematicMag: 0.005,
  upstreams: [
    hats('Pan-STARRS1 DR2 at MAST', 's3://stpubdata/panstarrs/ps1/public/hats/otmo'),
    vizier('II/349/ps1', {
      ra: 'RAJ2000',
      dec: 'DEJ2000',
      magnitude: 'rmag',
      columns: ['objID', 'e_RAJ2000', 'e_DEJ2000', 'Epoch', 'Nd', 'iKmag'].concat(
        ...['g', 'r', 'i', 'z', 'y'].map(name => [`${name}mag`, `e_${name}mag`]),
      ),
    }),
  ],
})
