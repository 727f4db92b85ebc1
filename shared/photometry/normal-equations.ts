import type { StarStamp } from './star-stamp.ts'

/**
 * Put one star's own block into the normal matrix (lower triangle, columns flux, x, y) and its part of the right side.
 *
 * @param flux scales the derivatives by position
 * @param held the position stays: its columns become those of the identity
 * @param a place of the star in the group
 * @param n columns of the matrix
 */
export function addOwn(
  m: StarStamp,
  flux: number,
  held: boolean,
  a: number,
  n: number,
  normal: Float64Array,
  right: Float64Array,
): void {
  let ff = 0
  let fx = 0
  let fy = 0
  let xx = 0
  let xy = 0
  let yy = 0
  let rf = 0
  let rx = 0
  let ry = 0
  const { value, slopeX, slopeY, weight, left } = m
  const count = m.w * m.h
  for (let k = 0; k < count; k++) {
    const w = weight[k]
    if (w === 0) continue
    const v = value[k]
    const sx = slopeX[k]
    const sy = slopeY[k]
    const wr = w * left[k]
    ff += w * v * v
    fx += w * v * sx
    fy += w * v * sy
    xx += w * sx * sx
    xy += w * sx * sy
    yy += w * sy * sy
    rf += wr * v
    rx += wr * sx
    ry += wr * sy
  }
  const at = 3 * a
  const free = held ? 0 : 1
  normal[at * n + at] = ff
  normal[(at + 1) * n + at] = fx * flux * free
  normal[(at + 2) * n + at] = fy * flux * free
  normal[(at + 1) * n + at + 1] = free ? xx * flux * flux : 1
  normal[(at + 2) * n + at + 1] = xy * flux * flux * free
  normal[(at + 2) * n + at + 2] = free ? yy * flux * flux : 1
  right[at] = rf
  right[at + 1] = rx * flux * free
  right[at + 2] = ry * flux * free
}

/**
 * Put the block of two stars that share pixels into the lower triangle; b comes before a in the group.
 *
 * @param fa,fb scale the derivatives by position; 0 where the position is held
 */
export function addPair(
  p: StarStamp,
  fa: number,
  a: number,
  q: StarStamp,
  fb: number,
  b: number,
  n: number,
  normal: Float64Array,
): void {
  const x0 = Math.max(p.x0, q.x0)
  const y0 = Math.max(p.y0, q.y0)
  const x1 = Math.min(p.x0 + p.w, q.x0 + q.w)
  const y1 = Math.min(p.y0 + p.h, q.y0 + q.h)
  if (x0 >= x1 || y0 >= y1) return
  let ff = 0
  let fx = 0
  let fy = 0
  let xf = 0
  let xx = 0
  let xy = 0
  let yf = 0
  let yx = 0
  let yy = 0
  for (let j = y0; j < y1; j++) {
    let ka = (j - p.y0) * p.w + x0 - p.x0
    let kb = (j - q.y0) * q.w + x0 - q.x0
    for (let i = x0; i < x1; i++, ka++, kb++) {
      const w = p.weight[ka]
      if (w === 0 || q.weight[kb] === 0) continue
      const v = w * p.value[ka]
      const sx = w * p.slopeX[ka]
      const sy = w * p.slopeY[ka]
      const u = q.value[kb]
      const tx = q.slopeX[kb]
      const ty = q.slopeY[kb]
      ff += v * u
      fx += v * tx
      fy += v * ty
      xf += sx * u
      xx += sx * tx
      xy += sx * ty
      yf += sy * u
      yx += sy * tx
      yy += sy * ty
    }
  }
  const row = 3 * a * n + 3 * b
  normal[row] = ff
  normal[row + 1] = fx * fb
  normal[row + 2] = fy * fb
  normal[row + n] = xf * fa
  normal[row + n + 1] = xx * fa * fb
  normal[row + n + 2] = xy * fa * fb
  normal[row + 2 * n] = yf * fa
  normal[row + 2 * n + 1] = yx * fa * fb
  normal[row + 2 * n + 2] = yy * fa * fb
}
