/** Numbers and times as people read them. */

export const BANDS = ['u', 'U', 'B', 'g', 'BP', 'V', 'G', 'r', 'R', 'RP', 'i', 'I', 'z', 'y', 'J', 'H', 'K']

// Okabe & Ito 2008: told apart by every common kind of colour vision; blue to red as the bands go.
const COLOURS = {
  u: '#882255',
  U: '#882255',
  B: '#4a4ac8',
  g: '#0072b2',
  G: '#0072b2',
  V: '#009e73',
  r: '#d55e00',
  R: '#d55e00',
  BP: '#56b4e9',
  RP: '#cc79a7',
  i: '#cc79a7',
  I: '#cc79a7',
  z: '#a0714f',
  y: '#999999',
}

export const colourOf = band => COLOURS[band] ?? '#777777'

/** Bands in the order of wavelength, unknown ones last. */
export function byWavelength(a, b) {
  const place = band => (BANDS.includes(band) ? BANDS.indexOf(band) : BANDS.length)
  return place(a) - place(b) || (a < b ? -1 : a > b ? 1 : 0)
}

/** '2026-03-01 22:19:42' of an MJD (UTC). */
export function utcOf(mjd) {
  return new Date(Math.round((mjd - 40587) * 86400e3)).toISOString().slice(0, 19).replace('T', ' ')
}

/** '2026-03-01' of a night's '20260301'. */
export function nightText(night) {
  return night.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3')
}

export function fixed(value, decimals) {
  return typeof value === 'number' && Number.isFinite(value) ? value.toFixed(decimals).replace('-', '−') : undefined
}

/** '16.123 ± 0.012', '> 19.4' for a limit, or that there is neither. */
export function magText(point) {
  if (point.reason) return 'not measured'
  if (!point.detected) return point.limit5Sigma == null ? 'no limit' : `> ${fixed(point.limit5Sigma, 2)} (5σ)`
  return `${fixed(point.mag, 3) ?? '–'} ± ${fixed(point.magErr, 3) ?? '?'}`
}

/** '10:45:03.53 +11:42:06.8' */
export function placeText(raDeg, decDeg) {
  const sexagesimal = (value, decimals) => {
    const unit = 10 ** decimals
    const whole = Math.round(value * 3600 * unit)
    const seconds = ((whole / unit) % 60).toFixed(decimals).padStart(decimals + 3, '0')
    return (
      [Math.floor(whole / unit / 3600), Math.floor(whole / unit / 60) % 60]
        .map(n => String(n).padStart(2, '0'))
        .join(':') +
      ':' +
      seconds
    )
  }
  return `${sexagesimal(raDeg / 15, 2)} ${decDeg < 0 ? '−' : '+'}${sexagesimal(Math.abs(decDeg), 1)}`
}

/** Round values between two ends, about `count` of them. */
export function ticks(from, to, count) {
  const low = Math.min(from, to)
  const high = Math.max(from, to)
  if (!(high > low)) return { values: [], decimals: 0 }
  const rough = (high - low) / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5].find(multiple => multiple * power >= rough) ?? 10) * power
  const values = []
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) values.push(k * step)
  return { values, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) }
}
