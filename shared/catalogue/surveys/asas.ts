import { type Survey, survey } from '../survey.ts'

export const asas: Survey = survey({
  id: 'asas',
  title: 'All Sky Automated Survey',
  source: 'Pojmanski 1997, 2002; mean V (and I) of constant stars',
  mainBand: 'V',
  bands: {
    V: {
      mag: ['Vmag', 'V', 'vmag', 'mag_V', 'mean_V'],
      err: ['e_Vmag', 'e_V', 'err_V', 'sigma_V'],
      assumedErr: () => 0.04,
      system: 'Vega',
      standsFor: 'V',
      bright: 7.5,
      faint: 13.5,
      colour: ['V', 'I'],
    },
    I: {
      mag: ['Imag', 'I', 'imag', 'mag_I', 'mean_I'],
      err: ['e_Imag', 'e_I', 'err_I', 'sigma_I'],
      assumedErr: () => 0.04,
      system: 'Vega',
      standsFor: 'I',
      bright: 7,
      faint: 13,
      colour: ['V', 'I'],
    },
  },
  columns: {
    id: ['ASAS', 'asas_id', 'ID', 'id', 'Name', 'name'],
    ra: ['RAJ2000', '_RAJ2000', 'RA_ICRS', 'ra', 'RA'],
    dec: ['DEJ2000', '_DEJ2000', 'DE_ICRS', 'dec', 'DEC'],
  },
  epochYear: 2003,
  positionErrMas: 2000,
  clean: [{ text: ['Type', 'type', 'class'], keepText: kind => kind === '' || /^(CONST|STAR)$/i.test(kind) }],
  declination: [-90, 28],
  systematicMag: 0.03,
})
