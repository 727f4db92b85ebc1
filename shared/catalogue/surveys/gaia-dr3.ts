import { survey } from '../survey.ts'

/** Errors of Gaia DR3 photometry by magnitude (Riello et al. 2021, table 1, interpolated through its orders). */
const assumed = (floor: number, at20: number) => (mag: number) => Math.hypot(floor, at20 * 10 ** (0.4 * (mag - 20)))

export const gaiaDr3 = survey({
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
    { columns: [['classprob_dsc_combmod_galaxy', 'PGal']], keep: galaxy => galaxy < 0.5 },
  ],
  declination: [-90, 90],
  systematicMag: 0.004,
})
