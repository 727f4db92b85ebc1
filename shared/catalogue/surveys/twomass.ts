import { type Survey, type SurveyBand, survey } from '../survey.ts'
import { hats, vizier } from '../upstreams.ts'

/** Qualities A and B of its own band: measured with S/N 7 at least. The flags of J, H and K are one word. */
const band = (name: 'J' | 'H' | 'K', bright: number, faint: number, colour: [string, string]): SurveyBand => ({
  mag: [`${name}mag`, `${name.toLowerCase()}_m`],
  err: [`e_${name}mag`, `${name.toLowerCase()}_msigcom`, `${name.toLowerCase()}_cmsig`],
  assumedErr: mag => Math.hypot(0.02, 0.1 * 10 ** (0.4 * (mag - faint))),
  valid: { column: ['Qflg', 'ph_qual'], keep: quality => /[AB]/.test(quality['JHK'.indexOf(name)] ?? 'A') },
  system: 'Vega',
  standsFor: name,
  bright,
  faint,
  colour,
})

export const twomass: Survey = survey({
  id: 'twomass',
  title: 'Two Micron All Sky Survey, point sources',
  source: 'Skrutskie et al. 2006; VizieR II/246/out, IRSA fp_psc',
  mainBand: 'J',
  bands: {
    J: band('J', 4, 15.8, ['J', 'H']),
    H: band('H', 4, 15.1, ['J', 'H']),
    K: band('K', 4, 14.3, ['J', 'K']),
  },
  columns: {
    id: ['2MASS', '_2MASS', 'designation'],
    ra: ['RAJ2000', 'ra'],
    dec: ['DEJ2000', 'dec', 'decl'],
    raErr: [
      ['errMaj', 1000],
      ['err_maj', 1000],
    ],
    decErr: [
      ['errMaj', 1000],
      ['err_maj', 1000],
    ],
  },
  epochYear: 1999.5,
  positionErrMas: 80,
  clean: [{ text: ['Cflg', 'cc_flg'], keepText: confusion => /^0*$/.test(confusion) }],
  declination: [-90, 90],
  systematicMag: 0.02,
  upstreams: [
    hats('2MASS at LSDB', 'https://data.lsdb.io/hats/two_mass'),
    vizier('II/246/out', {
      ra: 'RAJ2000',
      dec: 'DEJ2000',
      magnitude: 'Jmag',
      columns: ['2MASS', 'errMaj', 'Jmag', 'e_Jmag', 'Hmag', 'e_Hmag', 'Kmag', 'e_Kmag', 'Qflg', 'Cflg'],
    }),
  ],
})
