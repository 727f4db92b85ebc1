import { type Survey, survey } from '../survey.ts'
import { vizier } from '../upstreams.ts'

/** Errors of Tycho-2 photometry (Høg et al. 2000, figure 5: 0.01 mag for bright stars, 0.1 at VT 11.5). */
const assumedErr = (mag: number) => Math.hypot(0.013, 0.1 * 10 ** (0.4 * (mag - 11.5)))

export const tycho2: Survey = survey({
  id: 'tycho2',
  title: 'Tycho-2',
  source: 'Høg et al. 2000; VizieR I/259/tyc2',
  mainBand: 'VT',
  bands: {
    BT: {
      mag: ['BTmag', 'MAG_BT', 'bt_mag'],
      err: ['e_BTmag', 'SIGMA_BT', 'e_bt_mag'],
      assumedErr: mag => assumedErr(mag - 0.7),
      system: 'Vega',
      standsFor: 'B',
      bright: 2,
      faint: 12.5,
      colour: ['BT', 'VT'],
    },
    VT: {
      mag: ['VTmag', 'MAG_VT', 'vt_mag'],
      err: ['e_VTmag', 'SIGMA_VT', 'e_vt_mag'],
      assumedErr,
      system: 'Vega',
      standsFor: 'V',
      bright: 2,
      faint: 12,
      colour: ['BT', 'VT'],
    },
  },
  columns: {
    id: ['TYC', 'tyc2_id', 'id'],
    idParts: [['TYC1'], ['TYC2'], ['TYC3']],
    // The catalogue gives mean places at epoch J2000 in RAmdeg, observed ones at about 1991.5 in RA(ICRS).
    ra: ['RAmdeg', '_RA.icrs', 'RA_ICRS', 'ra', 'RA'],
    dec: ['DEmdeg', '_DE.icrs', 'DE_ICRS', 'dec', 'DEC'],
    raErr: [['e_RAmdeg', 1]],
    decErr: [['e_DEmdeg', 1]],
    pmRa: ['pmRA', 'pm_ra', 'pmra'],
    pmDec: ['pmDE', 'pm_dec', 'pmdec'],
    pmErr: ['e_pmRA'],
  },
  epochYear: 2000,
  positionErrMas: 70,
  clean: [{ columns: [['prox']], keep: tenthsOfArcsec => tenthsOfArcsec >= 20 }],
  declination: [-90, 90],
  systematicMag: 0.02,
  upstreams: [
    vizier('I/259/tyc2', {
      ra: 'RAmdeg',
      dec: 'DEmdeg',
      magnitude: 'VTmag',
      columns: ['TYC1', 'TYC2', 'TYC3', 'e_RAmdeg', 'e_DEmdeg', 'pmRA', 'pmDE', 'e_pmRA', 'prox'].concat(
        ...['BT', 'VT'].map(name => [`${name}mag`, `e_${name}mag`]),
      ),
    }),
  ],
})
