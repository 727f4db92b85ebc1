/**
 * Smooth one level of an H-transform before it is inverted (White, Postman & Lattanzi 1992, Digitised Optical Sky Surveys,
 * 167): quantisation has blurred the differences within cells of two by two, and each is moved, by no more than half a
 * step, towards what the sums of the cells beside it say. Cells at the edge stay as they are.
 *
 * @param values whole numbers, a cell's sum in its first place, differences by row, by column and by both in the others
 * @param rows,columns of the level, which is a corner of lines of `stride` numbers
 * @param scale step of the quantisation
 */
export function smoothLevel(values: Float64Array, rows: number, columns: number, stride: number, scale: number): void {
  const most = Math.floor(scale / 2)
  if (most <= 0) return
  const inRows: Line = { values, step: 2 * stride, to: stride, most }
  for (let y = 2; y < rows - 2; y += 2) for (let x = 0; x < columns; x += 2) smoothSlope(inRows, y * stride + x)
  const inColumns: Line = { values, step: 2, to: 1, most }
  for (let y = 0; y < rows; y += 2) for (let x = 2; x < columns - 2; x += 2) smoothSlope(inColumns, y * stride + x)
  for (let y = 2; y < rows - 2; y += 2)
    for (let x = 2; x < columns - 2; x += 2) smoothTwist(values, y * stride + x, stride, most)
}

interface Line {
  values: Float64Array
  /** From a cell to the next, and from its sum to its difference. */
  step: number
  to: number
  most: number
}

/** A slope through the neighbours' sums, as long as these rise or fall all the way. */
function smoothSlope({ values, step, to, most }: Line, at: number): void {
  const before = values[at] - values[at - step]
  const behind = values[at + step] - values[at]
  const highest = 4 * Math.max(Math.min(behind, before), 0)
  const lowest = 4 * Math.min(Math.max(behind, before), 0)
  if (lowest >= highest) return
  const wanted = clamp(before + behind, lowest, highest)
  values[at + to] += clamp(Math.trunc((wanted - 8 * values[at + to]) / 8), -most, most)
}

/** The same for the difference of differences, between the sums of the four cells across the corners. */
function smoothTwist(values: Float64Array, at: number, stride: number, most: number): void {
  const sum = values[at]
  const [across, along] = [2 * stride, 2]
  const off = (y: number, x: number) => values[at + y + x] - sum
  const [mm, pm, mp, pp] = [off(-across, -along), off(across, -along), off(-across, along), off(across, along)]
  const byRow = 2 * values[at + stride]
  const byColumn = 2 * values[at + 1]
  // What each corner allows: its rise or fall from the middle, less what the slopes make of it.
  const corners = [
    [pp, -byRow - byColumn],
    [-pm, byRow - byColumn],
    [-mp, byColumn - byRow],
    [mm, byRow + byColumn],
  ]
  const highest = 16 * Math.min(...corners.map(([rise, slopes]) => Math.max(rise, 0) + slopes))
  const lowest = 16 * Math.max(...corners.map(([rise, slopes]) => Math.min(rise, 0) + slopes))
  if (lowest >= highest) return
  const wanted = clamp(pp + mm - mp - pm, lowest, highest)
  const to = at + stride + 1
  values[to] += clamp(Math.trunc((wanted - 64 * values[to]) / 64), -most, most)
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high)
}
