import { type Survey, type SurveyBand, survey } from '../survey.ts'
import { gaiaArchive, vizier } from '../upstreams.ts'
import { ARCHIVE_COLUMNS, VIZIER_COLUMNS } from './gaia-dr3.ts'

/** Errors by magnitude (Evans et al. 2018, figure 9 and table 3). */
const band = (name: 'G' | 'BP' | 'RP', at20: number, faint: number): SurveyBand => ({
  mag: [`phot_${name.toLowerCase()}_mean_mag`, `${name}mag`],
  err: [`e_${name}mag`],
  snr: [`phot_${name.toLowerCase()}_mean_flux_over_error`],
  assumedErr: mag => Math.hypot(0.004, at20 * 10 ** (0.4 * (mag - 20))),
  system: 'Vega',
  standsFor: name === 'G' ? 'clear' : name,
  bright: 6,
  faint,
  colour: ['BP', 'RP'],
})

/** The release before: for places whose tiles of {@link gaiaDr3} are missing. Another epoch, larger errors of motion. */
export const gaiaDr2: Survey = survey({
  id: 'gaia_dr2',
  title: 'Gaia DR2',
  source: 'Gaia Collaboration 2018; archive gaiadr2.gaia_source, VizieR I/345/gaia2',
  mainBand: 'G',
  bands: { G: band('G', 0.01, 20.5), BP: band('BP', 0.1, 19), RP: band('RP', 0.08, 19) },
  columns: {
    id: ['source_id', 'Source'],
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
    epoch: ['ref_epoch', 'Epoch'],
  },
  epochYear: 2015.5,
  positionErrMas: 1.5,
  clean: [
    // Lindegren 2018, GAIA-C3-TN-LU-LL-124: the threshold for single stars
    { columns: [['ruwe', 'RUWE']], keep: ruwe => ruwe < 1.4 },
    { text: ['duplicated_source', 'Dup'], keepText: value => !/^(true|t|1)$/i.test(value) },
    { text: ['phot_variable_flag', 'Var'], keepText: value => value !== 'VARIABLE' },
  ],
  declination: [-90, 90],
  systematicMag: 0.01,
  upstreams: [
    gaiaArchive('gaiadr2.gaia_source', ARCHIVE_COLUMNS),
    vizier('I/345/gaia2', { ra: 'RA_ICRS', dec: 'DE_ICRS', magnitude: 'Gmag', columns: VIZIER_COLUMNS }),
  ],
})
