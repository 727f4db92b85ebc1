import { random } from '#shared/numeric/random.ts'

/** FITS bytes written by hand, apart from the code under test: cards of 80, blocks of 2880, big-endian pixels. */
export function fitsBytes(cards: [string, string | number | boolean][], data: Uint8Array): Uint8Array {
  const text = cards.map(([keyword, value]) => card(keyword, value)).join('') + 'END'.padEnd(80)
  const head = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 2880) * 2880))
  const bytes = new Uint8Array(head.length + Math.ceil(data.length / 2880) * 2880)
  bytes.set(head)
  bytes.set(data, head.length)
  return bytes
}

function card(keyword: string, value: string | number | boolean): string {
  const written =
    typeof value === 'string'
      ? `'${value.padEnd(8)}'`
      : (typeof value === 'boolean' ? (value ? 'T' : 'F') : String(value)).padStart(20)
  return `${keyword.padEnd(8)}= ${written}`.padEnd(80)
}

export const exposure: [string, string | number | boolean][] = [
  ['DATE-OBS', '2026-03-01T02:03:04'],
  ['EXPTIME', 60],
  ['FILTER', 'r'],
  ['RA', 150.1],
  ['DEC', 2.2],
  ['PIXSCALE', 1.0],
  ['GAIN', 1.5],
  ['RDNOISE', 8.0],
  ['SATURATE', 64000],
]

/** A float image as FITS. */
export function image(pixels: Float32Array, width: number, extra = exposure): Uint8Array {
  const data = new DataView(new ArrayBuffer(pixels.length * 4))
  for (let i = 0; i < pixels.length; i++) data.setFloat32(i * 4, pixels[i])
  const cards: [string, string | number | boolean][] = [
    ['SIMPLE', true],
    ['BITPIX', -32],
    ['NAXIS', 2],
    ['NAXIS1', width],
    ['NAXIS2', pixels.length / width],
  ]
  return fitsBytes([...cards, ...extra], new Uint8Array(data.buffer))
}

/** Sky of 500 ADU with its noise, and Gaussian stars of FWHM 3 pixels at the given places. */
export function starField(size: number, stars: { x: number; y: number; flux: number }[], seed: string): Float32Array {
  const source = random(seed)
  const pixels = new Float32Array(size * size)
  const sigma = 3 / 2.3548
  for (let i = 0; i < pixels.length; i++) {
    const x = i % size
    const y = Math.floor(i / size)
    let light = 500
    for (const star of stars) {
      const r2 = (x - star.x) ** 2 + (y - star.y) ** 2
      if (r2 < 144) light += (star.flux / (2 * Math.PI * sigma * sigma)) * Math.exp(-r2 / (2 * sigma * sigma))
    }
    pixels[i] = Math.round(light + Math.sqrt(light / 1.5 + 28) * source.normal())
  }
  return pixels
}
