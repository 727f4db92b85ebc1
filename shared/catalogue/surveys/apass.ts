import { type Survey, type SurveyBand, survey } from '../survey.ts'
import { vizier } from '../upstreams.ts'

const band = (
  names: string[],
  errors: string[],
  system: 'AB' | 'Vega',
  standsFor: string,
  faint: number,
  colour: [string, string],
): SurveyBand => ({
  mag: names,
  err: errors,
  assumedErr: mag => Math.hypot(0.03, 0.1 * 10 ** (0.4 * (mag - faint))),
  system,
  standsFor,
  bright: 9.5,
  faint,
  colour,
})
const sloan = (name: string, faint: number) =>
  band(
    [`${name}'mag`, `${name}_mag`, `${name}mag`],
    [`e_${name}'mag`, `e_${name}_mag`, `e_${name}mag`],
    'AB',
    name,
    faint,
    ['g', 'r'],
  )

export const apass: Survey = survey({
  id: 'apass',
  title: 'AAVSO Photometric All Sky Survey, DR9',
  source: 'Henden et al. 2016; VizieR II/336/apass9',
  mainBand: 'V',
  bands: {
    B: band(['Bmag'], ['e_Bmag'], 'Vega', 'B', 17.3, ['B', 'V']),
    V: band(['Vmag'], ['e_Vmag'], 'Vega', 'V', 16.8, ['B', 'V']),
    g: sloan('g', 17),
    r: sloan('r', 16.7),
    i: sloan('i', 16.2),
  },
  columns: {
    id: ['recno', 'RecNo'],
    ra: ['RAJ2000', 'radeg', 'ra'],
    dec: ['DEJ2000', 'decdeg', 'dec'],
    raErr: [
      ['e_RAJ2000', 1000],
      ['raerr', 1000],
    ],
    decErr: [
      ['e_DEJ2000', 1000],
      ['decerr', 1000],
    ],
  },
  epochYear: 2012,
  positionErrMas: 300,
  clean: [
    { columns: [['nobs', 'Nobs', 'n_obs']], keep: nights => nights >= 2 },
    { columns: [['e_Vmag']], keep: error => error > 0 },
  ],
  declination: [-90, 90],
  systematicMag: 0.025,
  upstreams: [
    vizier('II/336/apass9', {
      ra: 'RAJ2000',
      dec: 'DEJ2000',
      magnitude: 'Vmag',
      columns: ['recno', 'e_RAJ2000', 'e_DEJ2000', 'nobs'].concat(
        ...['B', 'V', "g'", "r'", "i'"].map(name => [`${name}mag`, `e_${name}mag`]),
      ),
    }),
  ],
})
