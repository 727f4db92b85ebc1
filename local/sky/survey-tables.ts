import { random } from '#shared/numeric/random.ts'
import { EPOCH, type StarField } from './star-field.ts'

const PS1_MJD = 56400 // middle of the survey's epochs
const PS1_BANDS = ['g', 'r', 'i', 'z', 'y'] as const

/** The field as the Gaia DR3 archive would print it: CSV with the archive's column names and Gaia's errors. */
export function gaiaTable(field: StarField): string {
  const draw = random('gaia errors')
  const rows = []
  for (let i = 0; i < field.count; i++) {
    const G = field.mag.G[i]
    if (G > 20.9) continue
    // Shape of Gaia's errors (Lindegren et al. 2021): a floor, then growing with the photon noise.
    const positionMas = Math.hypot(0.02, 0.13 * 10 ** (0.28 * (G - 18)))
    const bpRpError = Math.hypot(0.003, 0.012 * 10 ** (0.36 * (G - 18)))
    rows.push([
      String(5_200_000_000_000_000_000n + BigInt(i) * 4096n),
      (field.raDeg[i] + (draw.normal() * positionMas) / 3.6e6 / cosDeg(field.decDeg[i])).toFixed(9),
      (field.decDeg[i] + (draw.normal() * positionMas) / 3.6e6).toFixed(9),
      positionMas.toFixed(4),
      positionMas.toFixed(4),
      (field.parallaxMas[i] + draw.normal() * 1.1 * positionMas).toFixed(4),
      (1.1 * positionMas).toFixed(4),
      (field.pmRaMasPerYear[i] + draw.normal() * positionMas).toFixed(4),
      positionMas.toFixed(4),
      (field.pmDecMasPerYear[i] + draw.normal() * positionMas).toFixed(4),
      positionMas.toFixed(4),
      EPOCH.toFixed(1),
      (G + draw.normal() * 0.2 * bpRpError).toFixed(4),
      (field.mag.BP[i] + draw.normal() * bpRpError).toFixed(4),
      (field.mag.RP[i] + draw.normal() * bpRpError).toFixed(4),
      (1 + 0.04 * draw.normal()).toFixed(3),
      'NOT_AVAILABLE',
    ])
  }
  const names =
    'source_id,ra,dec,ra_error,dec_error,parallax,parallax_error,pmra,pmra_error,pmdec,pmdec_error,ref_epoch,' +
    'phot_g_mean_mag,phot_bp_mean_mag,phot_rp_mean_mag,ruwe,phot_variable_flag'
  return table(names, rows)
}

/** The field as VizieR prints Pan-STARRS1 DR1 (II/349/ps1): CSV with its column names and the survey's errors. */
export function ps1Table(field: StarField): string {
  const draw = random('ps1 errors')
  const years = 2000 + (PS1_MJD - 51544.5) / 365.25 - EPOCH
  const rows = []
  for (let i = 0; i < field.count; i++) {
    if (field.mag.r[i] < 12.5) continue // saturated in the survey
    const ra = field.raDeg[i] + (field.pmRaMasPerYear[i] * years + 5 * draw.normal()) / 3.6e6 / cosDeg(field.decDeg[i])
    const dec = field.decDeg[i] + (field.pmDecMasPerYear[i] * years + 5 * draw.normal()) / 3.6e6
    const mags = PS1_BANDS.flatMap(band => {
      const error = Math.hypot(0.003, 0.02 * 10 ** (0.36 * (field.mag[band][i] - 20)))
      return [(field.mag[band][i] + error * draw.normal()).toFixed(4), error.toFixed(4)]
    })
    const kron = PS1_BANDS.slice(0, 4).map(band => (field.mag[band][i] + 0.004 * draw.normal()).toFixed(4))
    const id = String(121_000_000_000_000_000n + BigInt(i))
    rows.push([id, '0.0050', '0.0050', PS1_MJD.toFixed(1), '40', '60', ...kron, ra.toFixed(9), dec.toFixed(9), ...mags])
  }
  const names =
    'objID,e_RAJ2000,e_DEJ2000,Epoch,Nd,Qual,gKmag,rKmag,iKmag,zKmag,RAJ2000,DEJ2000,' +
    'gmag,e_gmag,rmag,e_rmag,imag,e_imag,zmag,e_zmag,ymag,e_ymag'
  return table(names, rows)
}

function table(names: string, rows: string[][]): string {
  return [names, ...rows.map(row => row.join(','))].join('\n') + '\n'
}

function cosDeg(degrees: number): number {
  return Math.cos((degrees * Math.PI) / 180)
}
