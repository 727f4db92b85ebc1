/**
 * The first `wanted` rows (brightest first), but evenly spread: the area is cut into cells, and each round takes the
 * next brightest of every cell, so that a cluster does not take all places.
 *
 * @param rows candidates, brightest first
 * @returns rows in the order of the input
 */
export function spreadBrightest(
  rows: ArrayLike<number>,
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  wanted: number,
): number[] {
  if (rows.length <= wanted) return Array.from(rows)
  let left = Number.POSITIVE_INFINITY
  let right = Number.NEGATIVE_INFINITY
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let k = 0; k < rows.length; k++) {
    left = Math.min(left, x[rows[k]])
    right = Math.max(right, x[rows[k]])
    low = Math.min(low, y[rows[k]])
    high = Math.max(high, y[rows[k]])
  }
  // About three stars to a cell: fewer would make the choice hang on where the cells lie.
  const side = Math.sqrt(((right - left) * (high - low) * 3) / wanted) || 1
  const columns = Math.floor((right - left) / side) + 1
  const most = Math.ceil(2 * 3)
  const filled = new Uint8Array(columns * (Math.floor((high - low) / side) + 1))
  const taken: number[] = []
  const rest: number[] = []
  for (let k = 0; k < rows.length && taken.length < wanted; k++) {
    const row = rows[k]
    const cell = Math.floor((y[row] - low) / side) * columns + Math.floor((x[row] - left) / side)
    if (filled[cell] >= most) {
      rest.push(row)
      continue
    }
    filled[cell]++
    taken.push(row)
  }
  return taken.concat(rest.slice(0, wanted - taken.length))
}
