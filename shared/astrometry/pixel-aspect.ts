import type { Pattern } from './pattern-match.ts'
import type { LinearMap } from './similarity.ts'

/**
 * Positions as they would be on square pixels of the same area: patterns of stars have their true shape there, and scales
 * are the square root of a pixel's area.
 *
 * @param aspect height of a pixel over its width
 */
export function onSquarePixels({ x, y, width, height }: Pattern, aspect: number): Pattern {
  if (aspect === 1) return { x, y, width, height }
  const tall = Math.sqrt(aspect)
  return {
    x: x.map(value => (value + 0.5) / tall - 0.5),
    y: y.map(value => (value + 0.5) * tall - 0.5),
    ...squareSize(width, height, aspect),
  }
}

/** Width and height of a frame in square pixels of the same area. */
export function squareSize(width: number, height: number, aspect: number): { width: number; height: number } {
  return { width: width / Math.sqrt(aspect), height: height * Math.sqrt(aspect) }
}

/** A map of such positions as one of the frame's own pixels. */
export function onOwnPixels({ a, b, c, d, e, f }: LinearMap, aspect: number): LinearMap {
  const tall = Math.sqrt(aspect)
  const x0 = 0.5 / tall - 0.5
  const y0 = 0.5 * tall - 0.5
  return { a: a / tall, b: b * tall, c: c + a * x0 + b * y0, d: d / tall, e: e * tall, f: f + d * x0 + e * y0 }
}
