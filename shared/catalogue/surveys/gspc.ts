import { type Survey, type SurveyBand, survey } from '../survey.ts'
import { vizier } from '../upstreams.ts'
import { excessSigmas } from './gaia-excess.ts'

type Set = 'jkc' | 'sdss' | 'ps1'

/**
 * A band of the catalogue: magnitudes, errors from fluxes, and the flag that is 1 where a star is bright enough and
 * within the range of colours for which the band was standardised (Montegriffo et al. 2023, §5).
 */
const band = (name: string, set: Set, system: 'AB' | 'Vega', colour: [string, string]): SurveyBand => ({
  mag: [`${name.toLowerCase()}_${set}_mag`, `${name}mag`],
  fluxErr: {
    flux: [`${name.toLowerCase()}_${set}_flux`, `F${name}`],
    err: [`${name.toLowerCase()}_${set}_flux_error`, `e_F${name}`],
  },
  valid: { column: [`${name.toLowerCase()}_${set}_flag`, `${name}Flag`], keep: flag => flag === '1' || flag === '1.0' },
  assumedErr: mag => Math.hypot(0.004, 0.03 * 10 ** (0.4 * (mag - 17.5))),
  system,
  standsFor: name,
  bright: 5,
  faint: 17.6,
  colour,
})

/** Magnitudes of other systems from Gaia's own spectra, all sky. U and u are left out: their scale is uncertain. */
export const gspc: Survey = survey({
  id: 'gspc',
  title: 'Gaia Synthetic Photometry Catalogue',
  source: 'Montegriffo et al. 2023; archive gaiadr3.synthetic_photometry_gspc, VizieR I/360/syntphot',
  mainBand: 'V',
  bands: {
    B: band('B', 'jkc', 'Vega', ['B', 'V']),
    V: band('V', 'jkc', 'Vega', ['B', 'V']),
    R: band('R', 'jkc', 'Vega', ['V', 'I']),
    I: band('I', 'jkc', 'Vega', ['V', 'I']),
    g: band('g', 'sdss', 'AB', ['g', 'r']),
    r: band('r', 'sdss', 'AB', ['g', 'r']),
    i: band('i', 'sdss', 'AB', ['g', 'r']),
    z: band('z', 'sdss', 'AB', ['g', 'r']),
  },
  columns: {
    id: ['source_id', 'Source'],
    ra: ['ra', 'RA_ICRS'],
    dec: ['dec', 'DE_ICRS'],
    pmRa: ['pmra', 'pmRA'],
    pmDec: ['pmdec', 'pmDE'],
    parallax: ['parallax', 'Plx'],
    epoch: ['ref_epoch'],
  },
  epochYear: 2016,
  positionErrMas: 1,
  clean: [
    {
      columns: [
        ['c_star', 'E_BP_RP_corr'],
        ['phot_g_mean_mag', 'Gmag'],
      ],
      keep: (c, g) => excessSigmas(c, g) < 3,
    },
  ],
  declination: [-90, 90],
  systematicMag: 0.01,
  upstreams: [
    vizier('I/360/syntphot', {
      ra: 'RA_ICRS',
      dec: 'DE_ICRS',
      magnitude: 'Vmag',
      columns: ['Source', 'E_BP_RP_corr'].concat(
        ...['B', 'V', 'R', 'I', 'g', 'r', 'i', 'z'].map(name => [
          `${name}mag`,
          `F${name}`,
          `e_F${name}`,
          `${name}Flag`,
        ]),
      ),
    }),
  ],
})
