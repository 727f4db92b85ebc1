import { type Survey, type SurveyBand, survey } from '../survey.ts'
import { hats, vizier } from '../upstreams.ts'

const band = (name: string, standsFor: string, bright: number, faint: number): SurveyBand => ({
  mag: [`WAVG_MAG_PSF_${name.toUpperCase()}`, `wavg_mag_psf_${name.toLowerCase()}`, `${name}mag`],
  err: [`WAVG_MAGERR_PSF_${name.toUpperCase()}`, `wavg_magerr_psf_${name.toLowerCase()}`, `e_${name}mag`],
  assumedErr: mag => Math.hypot(0.006, 0.1 * 10 ** (0.4 * (mag - faint))),
  system: 'AB',
  standsFor,
  bright,
  faint,
  colour: ['g', 'r'],
})

export const des: Survey = survey({
  id: 'des',
  title: 'Dark Energy Survey, DR2',
  source: 'Abbott et al. 2021; VizieR II/371/des_dr2, NOIRLab des_dr2.main',
  mainBand: 'r',
  bands: {
    g: band('g', 'g', 16, 23.5),
    r: band('r', 'r', 16, 23.3),
    i: band('i', 'i', 16, 22.8),
    z: band('z', 'z', 16, 22),
    Y: band('Y', 'y', 15.5, 20.5),
  },
  columns: {
    id: ['CoadID', 'COADD_OBJECT_ID', 'coadd_object_id', 'DES'],
    ra: ['RA_ICRS', 'ALPHAWIN_J2000', 'RA', 'ra'],
    dec: ['DE_ICRS', 'DELTAWIN_J2000', 'DEC', 'dec'],
  },
  epochYear: 2016,
  positionErrMas: 30,
  clean: [
    {
      columns: [['ExtClsCoad', 'EXTENDED_CLASS_COADD', 'extended_class_coadd']],
      keep: kind => kind === 0 || kind === 1,
    },
    { columns: [['ExtClsWavg', 'EXTENDED_CLASS_WAVG', 'extended_class_wavg']], keep: kind => kind === 0 || kind === 1 },
    { columns: [['rFlag', 'FLAGS_R', 'flags_r']], keep: flag => flag < 4 },
  ],
  declination: [-68, 6],
  systematicMag: 0.006,
  upstreams: [
    hats('DES DR2 at LIneA', 'https://linea.data.lsdb.io/hats/des2/des_dr2'),
    vizier('II/371/des_dr2', {
      ra: 'RA_ICRS',
      dec: 'DE_ICRS',
      magnitude: 'rmag',
      columns: ['CoadID', 'ExtClsCoad', 'ExtClsWavg', 'rFlag'].concat(
        ...['g', 'r', 'i', 'z', 'Y'].map(name => [`${name}mag`, `e_${name}mag`]),
      ),
    }),
  ],
})
