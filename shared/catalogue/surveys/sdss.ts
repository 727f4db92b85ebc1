import { type Survey, type SurveyBand, survey } from '../survey.ts'
import { vizier } from '../upstreams.ts'

const band = (name: string, bright: number, faint: number, colour: [string, string]): SurveyBand => ({
  mag: [`${name}pmag`, `psfMag_${name}`, `${name}mag`, name],
  err: [`e_${name}pmag`, `psfMagErr_${name}`, `e_${name}mag`, `Err_${name}`],
  assumedErr: mag => Math.hypot(0.01, 0.1 * 10 ** (0.4 * (mag - faint))),
  system: 'AB',
  standsFor: name,
  bright,
  faint,
  colour,
})

export const sdss: Survey = survey({
  id: 'sdss',
  title: 'Sloan Digital Sky Survey, DR16',
  source: 'Ahumada et al. 2020; VizieR V/154/sdss16, SkyServer PhotoPrimary',
  mainBand: 'r',
  bands: {
    u: band('u', 14, 21.5, ['u', 'g']),
    g: band('g', 14, 22, ['g', 'r']),
    r: band('r', 14, 22, ['g', 'r']),
    i: band('i', 14, 21.3, ['g', 'r']),
    z: band('z', 13, 20, ['g', 'r']),
  },
  columns: {
    id: ['objID', 'objid', 'SDSS'],
    ra: ['RA_ICRS', 'RAJ2000', 'ra'],
    dec: ['DE_ICRS', 'DEJ2000', 'dec'],
    raErr: [
      ['e_RA_ICRS', 1000],
      ['raErr', 1000],
    ],
    decErr: [
      ['e_DE_ICRS', 1000],
      ['decErr', 1000],
    ],
    epoch: ['ObsDate', 'mjd'],
  },
  epochYear: 2005,
  positionErrMas: 50,
  clean: [
    { columns: [['class', 'cl', 'type']], keep: kind => kind === 6 },
    { columns: [['mode']], keep: mode => mode === 1 },
    { columns: [['clean', 'q_mode']], keep: clean => clean !== 0 },
  ],
  declination: [-25, 85],
  systematicMag: 0.01,
  upstreams: [
    vizier('V/154/sdss16', {
      ra: 'RA_ICRS',
      dec: 'DE_ICRS',
      magnitude: 'rpmag',
      where: '"mode" = 1', // else stars in overlaps come twice
      columns: ['objID', 'e_RA_ICRS', 'e_DE_ICRS', 'ObsDate', 'mode', 'class', 'clean'].concat(
        ...['u', 'g', 'r', 'i', 'z'].map(name => [`${name}pmag`, `e_${name}pmag`]),
      ),
    }),
  ],
})
