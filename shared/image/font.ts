/**
 * The letters of the project's pictures: each glyph is a 5 × 7 raster (9 rows with descenders), one base-32 digit per
 * row, most significant bit on the left. They are drawn as strokes from dot to neighbouring dot, so that they scale to
 * any size and keep smooth edges.
 */
// biome-ignore format: a table of letters reads better in rows
const rasters: Record<string, string> = {
  A: '4ahhvhh', B: 'uhhuhhu', C: 'ehggghe', D: 'uhhhhhu', E: 'vgguggv', F: 'vgguggg', G: 'ehgnhhf', H: 'hhhvhhh',
  I: 'e44444e', J: '72222ic', K: 'hikokih', L: 'ggggggv', M: 'hrllhhh', N: 'hhpljhh', O: 'ehhhhhe', P: 'uhhuggg',
  Q: 'ehhhlid', R: 'uhhukih', S: 'fgge11u', T: 'v444444', U: 'hhhhhhe', V: 'hhhhha4', W: 'hhhllla', X: 'hha4ahh',
  Y: 'hhha444', Z: 'v1248gv',
  a: '00e1fhf', b: 'ggmphhu', c: '00egghe', d: '11djhhf', e: '00ehvge', f: '698s888', g: '00fhhhf1e', h: 'ggmphhh',
  i: '40c444e', j: '2062222ic', k: 'ggikoki', l: 'c44444e', m: '00qllll', n: '00mphhh', o: '00ehhhe', p: '00uhhhugg',
  q: '00fhhhf11', r: '00mpggg', s: '00fge1u', t: '88s8896', u: '00hhhjd', v: '00hhha4', w: '00hhlla', x: '00ha4ah',
  y: '00hhhhf1e', z: '00v248v',
  0: 'ehjlphe', 1: '4c4444e', 2: 'eh1248v', 3: 'v2421he', 4: '26aiv22', 5: 'vgu11he', 6: '68guhhe', 7: 'v124888',
  8: 'ehhehhe', 9: 'ehhf12c',
  ' ': '', '.': '0000004', ',': '000000448', ':': '0040004', ';': '004000448', '!': '4444404', '?': 'eh12404',
  '-': '000e', '−': '000v', '–': '000v', '—': '000v', '+': '044v44', '=': '00v0v', '±': '44v440v', '×': '000a4a',
  '*': '04lel4', '/': '11248gg', '\\': 'gg84211', '(': '2488842', ')': '8422248', '[': 'e88888e', ']': 'e22222e',
  '{': '6448446', '}': 'c44244c', '<': '248g842', '>': '8421248', '|': '4444444', '_': '0000000v', '#': 'aavavaa',
  '%': 'op248j3', '&': 'cik8lid', "'": '44', '"': 'aa', '`': '84', '^': '4ah', '~': '008l2', '@': 'ehnlngf',
  $: '4fke5u4', '°': '696', '·': '0004', '→': '0042v24', '″': 'aa', '′': '44', 'σ': '00fiiic', 'Δ': '44aahhv',
  'χ': '00ha4ahh', 'µ': '00hhhjdgg', '≤': '248842e', '≥': '842248e',
}

/** Strokes of one glyph in cells: x0, y0, x1, y1 each, y down from the top of a capital; a dot is a stroke of length 0. */
export type Strokes = readonly number[]

/** Width of a cell grid from one letter to the next, and height of a capital, in cells. */
export const ADVANCE = 6
export const CAP_HEIGHT = 6

const cache = new Map<string, Strokes>()

/** Strokes of a character; those of a question mark where the font lacks it. */
export function strokesOf(character: string): Strokes {
  let strokes = cache.get(character)
  if (!strokes) {
    strokes = connectDots(rasters[character] ?? rasters['?'])
    cache.set(character, strokes)
  }
  return strokes
}

/** Join every dot with its neighbours; a diagonal only where no dot beside it already makes the turn. */
function connectDots(raster: string): Strokes {
  const rows = [...raster].map(digit => Number.parseInt(digit, 32))
  const dot = (x: number, y: number) => x >= 0 && x < 5 && ((rows[y] ?? 0) >> (4 - x)) & 1
  const strokes: number[] = []
  for (let y = 0; y < rows.length; y++) {
    for (let x = 0; x < 5; x++) {
      if (!dot(x, y)) continue
      const before = strokes.length
      if (dot(x + 1, y)) strokes.push(x, y, x + 1, y)
      if (dot(x, y + 1)) strokes.push(x, y, x, y + 1)
      if (dot(x + 1, y + 1) && !dot(x + 1, y) && !dot(x, y + 1)) strokes.push(x, y, x + 1, y + 1)
      if (dot(x - 1, y + 1) && !dot(x - 1, y) && !dot(x, y + 1)) strokes.push(x, y, x - 1, y + 1)
      if (strokes.length === before) strokes.push(x, y, x, y)
    }
  }
  return strokes
}
