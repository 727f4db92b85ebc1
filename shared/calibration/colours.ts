import { quantiles } from '#shared/numeric/robust.ts'
import type { ColourTermMemory } from './camera.ts'

/** How the colours of some stars are distributed, mag. */
export interface Colours {
  /** The middle 96 %. */
  range: [number, number]
  median: number
  /** Half the middle 68 %. */
  spread: number
}

/** Of some stars. */
export function coloursOf(values: number[]): Colours {
  const [low, low16, middle, high84, high] = quantiles(values, [0.02, 0.16, 0.5, 0.84, 0.98])
  return { range: [low, high], median: middle, spread: (high84 - low16) / 2 }
}

/** Few stars do not show what colours a camera's stars have; earlier frames do. */
export function withRemembered(
  { range, median, spread }: Colours,
  { colourRange, colourSpread }: ColourTermMemory,
): Colours {
  return {
    range: [Math.min(range[0], colourRange[0]), Math.max(range[1], colourRange[1])],
    median,
    spread: Math.max(spread, colourSpread),
  }
}
