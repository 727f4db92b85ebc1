import { expect, test } from 'vitest'
import { random } from '#shared/numeric/random.ts'
import { refineSky, takenBySky } from '#shared/photometry/residual-sky.ts'
import { Scene } from '#shared/photometry/scene.ts'

const [width, height, cellPx] = [256, 256, 16]
/** Sky of 400 ADU at a gain of 1, no read noise: a noise of 20 ADU. */
const noise = 20

/** A sky with structure of `structure` ADU from cell to cell, and light added at places. */
function sceneOf(structure: number, added: (x: number, y: number) => number): Scene {
  const draw = random('uneven sky')
  const levels = Array.from({ length: (width * height) / cellPx ** 2 }, () => structure * draw.normal())
  const pixels = Float32Array.from({ length: width * height }, (_, k) => {
    const [x, y] = [k % width, Math.floor(k / width)]
    const cell = Math.floor(y / cellPx) * (width / cellPx) + Math.floor(x / cellPx)
    return noise * noise + levels[cell] + noise * draw.normal() + added(x, y)
  })
  const detector = { gainElectronsPerAdu: 1, readNoiseElectrons: 0, saturationAdu: 1e6, pedestalAdu: 0 }
  const sky = new Float32Array(width * height).fill(noise * noise)
  return new Scene({ width, height, pixels, mask: new Uint8Array(width * height), detector }, sky)
}

/** What the map takes of light of 5 × 5 pixels, in the middle of it, for each ADU a pixel: as found, and as claimed. */
function taken(structure: number, rounds = 1): { found: number; claimed: number } {
  const places: [number, number][] = []
  const draw = random('places')
  for (let y = 40; y < height - 40; y += 35) {
    for (let x = 40; x < width - 40; x += 35)
      places.push([x, y].map(at => at + Math.floor(16 * draw.uniform())) as [number, number])
  }
  const near = (x: number, y: number) => places.some(([u, v]) => Math.abs(x - u) <= 2 && Math.abs(y - v) <= 2)
  const amount = 0.25 * noise
  const [without, withLight] = [sceneOf(structure, () => 0), sceneOf(structure, (x, y) => (near(x, y) ? amount : 0))]
  const refine = (scene: Scene) => {
    let refined = refineSky(scene, cellPx)
    for (let round = 1; round < rounds; round++) refined = refineSky(scene, cellPx, refined)
    return refined
  }
  const refined = refine(without)
  refine(withLight)
  let found = 0
  let claimed = 0
  for (const [x, y] of places) {
    const at = y * width + x
    found += (withLight.sky[at] - without.sky[at]) / (25 * amount) / places.length
    claimed += takenBySky(refined, x / width, y / height) / places.length
  }
  return { found, claimed }
}

test('the map of an uneven sky takes as much of a light as it says', () => {
  const { found, claimed } = taken(3 * noise)
  expect(claimed * cellPx ** 2).toBeCloseTo(0.73, 1) // all of the cell is believed
  expect(Math.abs(found / claimed - 1)).toBeLessThan(0.25)
})

test('the map that is refined once more takes more, and says so', () => {
  const [once, thrice] = [taken(3 * noise), taken(3 * noise, 3)]
  expect(thrice.found).toBeGreaterThan(1.15 * once.found)
  expect(Math.abs(thrice.found / thrice.claimed - 1)).toBeLessThan(0.15)
})

test('that of an even sky takes next to nothing', () => {
  expect(taken(0).claimed * cellPx ** 2).toBeLessThan(0.1)
})

test('what was believed once is believed again', () => {
  const scene = sceneOf(3 * noise, () => 0)
  const first = refineSky(scene, cellPx)
  const second = refineSky(scene, cellPx, first)
  expect(takenBySky(second, 0.4, 0.6)).toBeGreaterThanOrEqual(takenBySky(first, 0.4, 0.6))
})
