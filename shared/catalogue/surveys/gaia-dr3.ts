import { type Survey, survey } from '../survey.ts'
import { gaiaArchive, hats, vizier } from '../upstreams.ts'
import { correctedExcess, excessSigmas } from './gaia-excess.ts'

/** Columns of the archive's gaia_source, in every release. */
export const ARCHIVE_COLUMNS = [
  ...['source_id', 'ref_epoch', 'ra', 'ra_error', 'dec', 'dec_error', 'parallax', 'pmra', 'pmra_error', 'pmdec'],
  ...['phot_g_mean_mag', 'phot_g_mean_flux_over_error', 'phot_bp_mean_mag', 'phot_bp_mean_flux_over_error'],
  ...['phot_rp_mean_mag', 'phot_rp_mean_flux_over_error', 'phot_variable_flag', 'duplicated_source'],
]
/** Columns of VizieR's copies, in every release. */
export const VIZIER_COLUMNS = [
  ...['Source', 'RA_ICRS', 'e_RA_ICRS', 'DE_ICRS', 'e_DE_ICRS', 'Plx', 'pmRA', 'e_pmRA', 'pmDE', 'Dup'],
  ...['Gmag', 'e_Gmag', 'BPmag', 'e_BPmag', 'RPmag', 'e_RPmag'],
]

/** Errors of Gaia DR3 photometry by magnitude (Riello et al. 2021, table 1, interpolated through its orders). */
const assumed = (floor: number, at20: number) => (mag: number) => Math.hypot(floor, at20 * 10 ** (0.4 * (mag - 20)))

export const gaiaDr3: Survey = survey({
  id: 'gaia_dr3',
  title: 'Gaia DR3',
  source: 'Gaia Collaboration 2023; archive gaiadr3.gaia_source, VizieR I/355/gaiadr3',
  mainBand: 'G',
  bands: {
    G: {
      mag: ['phot_g_mean_mag', 'Gmag'],
      err: ['phot_g_mean_mag_error', 'e_Gmag'],
      snr: ['phot_g_mean_flux_over_error'],
      assumedErr: assumed(0.0028, 0.006),
      system: 'Vega',
      standsFor: 'clear',
      bright: 5,
      faint: 20.5,
      colour: ['BP', 'RP'],
    },
    BP: {
      mag: ['phot_bp_mean_mag', 'BPmag'],
      err: ['phot_bp_mean_mag_error', 'e_BPmag'],
      snr: ['phot_bp_mean_flux_over_error'],
      assumedErr: assumed(0.0028, 0.05),
      system: 'Vega',
      standsFor: 'BP',
      bright: 5,
      faint: 19.5,
      colour: ['BP', 'RP'],
    },
    RP: {
      mag: ['phot_rp_mean_mag', 'RPmag'],
      err: ['phot_rp_mean_mag_error', 'e_RPmag'],
      snr: ['phot_rp_mean_flux_over_error'],
      assumedErr: assumed(0.0038, 0.05),
      system: 'Vega',
      standsFor: 'RP',
      bright: 5,
      faint: 19.5,
      colour: ['BP', 'RP'],
    },
  },
  columns: {
    id: ['source_id', 'SOURCE_ID', 'Source'],
    ra: ['ra', 'RA_ICRS'],
    dec: ['dec', 'DE_ICRS'],
    raErr: [
      ['ra_error', 1],
      ['e_RA_ICRS', 1],
    ],
    decErr: [
      ['dec_error', 1],
      ['e_DE_ICRS', 1],
    ],
    pmRa: ['pmra', 'pmRA'],
    pmDec: ['pmdec', 'pmDE'],
    pmErr: ['pmra_error', 'e_pmRA'],
    parallax: ['parallax', 'Plx'],
    epoch: ['ref_epoch'],
  },
  epochYear: 2016,
  positionErrMas: 1,
  clean: [
    { columns: [['ruwe', 'RUWE']], keep: ruwe => ruwe < 1.4 },
    { text: ['duplicated_source', 'Dup'], keepText: value => !/^(true|t|1)$/i.test(value) },
    { text: ['phot_variable_flag', 'VarFlag'], keepText: value => value !== 'VARIABLE' },
    {
      columns: [
        ['phot_bp_rp_excess_factor', 'E(BP/RP)'],
        ['phot_bp_mean_mag', 'BPmag'],
        ['phot_rp_mean_mag', 'RPmag'],
        ['phot_g_mean_mag', 'Gmag'],
      ],
      keep: (excess, bp, rp, g) => excessSigmas(correctedExcess(excess, bp - rp), g) < 3,
    },
    { columns: [['classprob_dsc_combmod_galaxy', 'PGal']], keep: galaxy => galaxy < 0.5 },
  ],
  declination: [-90, 90],
  systematicMag: 0.004,
  upstreams: [
    hats('Gaia DR3 at MAST', 's3://stpubdata/gaia/gaia_dr3/public/hats'),
    hats('Gaia DR3 at LSDB', 'https://data.lsdb.io/hats/gaia_dr3/gaia'),
    gaiaArchive('gaiadr3.gaia_source', [...ARCHIVE_COLUMNS, 'phot_bp_rp_excess_factor', 'ruwe']),
    vizier('I/355/gaiadr3', {
      ra: 'RA_ICRS',
      dec: 'DE_ICRS',
      magnitude: 'Gmag',
      columns: [...VIZIER_COLUMNS, 'RUWE', 'VarFlag'],
    }),
  ],
})
