import { describe, expect, test } from 'vitest'
import { chiSquared, type Measurement, observe, simulateSky, TARGET_COLOURS, tenCameras } from './cameras.ts'

const sky = simulateSky(2500, 'one sky for all')
const all: Measurement[] = tenCameras.flatMap(camera => observe(sky, camera, 12, 'a dozen nights'))

describe('ten cameras that look at the same constant stars', () => {
  test('agree within the errors that they claim, whatever the colour of the star', () => {
    expect(all.length).toBeGreaterThan(300)
    // bar: 1.0 ± 0.2
    expect(chiSquared(all).perPoint).toBeGreaterThan(0.8)
    expect(chiSquared(all).perPoint).toBeLessThan(1.2)
    for (const colour of TARGET_COLOURS) {
      const { perPoint, error } = chiSquared(all.filter(point => point.colour === colour))
      expect(Math.abs(perPoint - 1)).toBeLessThan(0.2 + 2 * error)
    }
    expect(Math.max(...all.map(({ off, error }) => Math.abs(off / error)))).toBeLessThan(4.5)
  })

  test('lean on what they remember where a frame has few stars, and their errors stay true', () => {
    const remembered = all.filter(({ colourTermFrom }) => colourTermFrom === 'memory')
    expect(remembered.length).toBeGreaterThan(15)
    expect(Math.max(...remembered.map(({ stars }) => stars))).toBeLessThan(60)
    const { perPoint, error } = chiSquared(remembered)
    expect(perPoint).toBeGreaterThan(0.3)
    expect(perPoint).toBeLessThan(1.2 + 3 * error)
  })

  test('are calibrated to their own filter, or it is said that this was not sure', () => {
    const own: Record<string, string> = { clear: 'G' }
    const wrong = all.filter(({ filter, chosen, target }) => {
      const ambiguous = (target.flags & (1 << 15)) !== 0
      return !ambiguous && chosen.split(' ')[1] !== (own[filter] ?? filter)
    })
    expect(wrong).toEqual([])
  })
})
