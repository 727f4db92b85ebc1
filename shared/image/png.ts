import { constants, crc32, deflateSync } from 'node:zlib'

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
// Six bits of each channel are told apart: more than eyes see beside the noise of a sky, few enough to count in a table.
const BITS = 6
const PALETTE = 256

export type Content = 'plot' | 'frame'
const compression = { plot: { level: 5 }, frame: { strategy: constants.Z_RLE } }

/**
 * A picture as PNG with a palette of its 256 most frequent colours; rarer ones become the nearest of them. Frames are
 * nearly grey and plots nearly white, so that this is a third of the bytes and of the time of true colour. The same
 * picture gives the same bytes. (W3C PNG, third edition: colour type 3, no filter.)
 *
 * @param rgb three bytes per pixel, row-major from the top
 * @param content what repeats itself in a plot is looked for; in the noise of a frame there is nothing to find
 */
export function encodePng(rgb: Uint8Array, width: number, height: number, content: Content = 'plot'): Uint8Array {
  const { palette, indexOf } = choosePalette(rgb)
  const rows = new Uint8Array((width + 1) * height) // a leading 0 in each row: not filtered
  for (let y = 0, at = 0, from = 0; y < height; y++) {
    at++
    for (let x = 0; x < width; x++, at++, from += 3) rows[at] = indexOf[coarse(rgb, from)]
  }
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header.set([8, 3, 0, 0, 0], 8) // 8 bits, palette, deflate, adaptive filters, not interlaced
  return Buffer.concat([
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', header),
    chunk('PLTE', palette),
    chunk('IDAT', deflateSync(rows, compression[content])),
    chunk('IEND', new Uint8Array(0)),
  ])
}

/** The most frequent colours, and for every colour of the picture the number of the one that stands for it. */
function choosePalette(rgb: Uint8Array): { palette: Uint8Array; indexOf: Uint8Array } {
  const counts = new Uint32Array(1 << (3 * BITS))
  for (let from = 0; from < rgb.length; from += 3) counts[coarse(rgb, from)]++
  const present: number[] = []
  for (let colour = 0; colour < counts.length; colour++) if (counts[colour] > 0) present.push(colour)
  present.sort((a, b) => counts[b] - counts[a] || a - b)

  const chosen = present.slice(0, PALETTE)
  const indexOf = new Uint8Array(counts.length)
  chosen.forEach((colour, index) => {
    indexOf[colour] = index
  })
  const palette = Uint8Array.from(chosen.flatMap(channelsOf))
  for (const colour of present.slice(PALETTE)) indexOf[colour] = nearest(palette, colour)
  return { palette, indexOf }
}

/** Number of the palette's colour that is nearest to a coarse colour. */
function nearest(palette: Uint8Array, colour: number): number {
  const [red, green, blue] = channelsOf(colour)
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let at = 0; at < palette.length; at += 3) {
    const distance = (palette[at] - red) ** 2 + (palette[at + 1] - green) ** 2 + (palette[at + 2] - blue) ** 2
    if (distance < least) {
      least = distance
      best = at / 3
    }
  }
  return best
}

/** The colour of a pixel, six bits a channel. */
function coarse(rgb: Uint8Array, from: number): number {
  const drop = 8 - BITS
  return ((rgb[from] >> drop) << (2 * BITS)) | ((rgb[from + 1] >> drop) << BITS) | (rgb[from + 2] >> drop)
}

/** Eight-bit channels of a coarse colour; black stays black and white white. */
function channelsOf(colour: number): [number, number, number] {
  const most = (1 << BITS) - 1
  const widened = (shift: number) => Math.round((((colour >> shift) & most) * 255) / most)
  return [widened(2 * BITS), widened(BITS), widened(0)]
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, data.length)
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i)
  bytes.set(data, 8)
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)))
  return bytes
}
