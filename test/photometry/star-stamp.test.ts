import { describe, expect, test } from 'vitest'
import { splineCoefficients } from '#shared/numeric/bspline.ts'
import { choleskyInPlace, choleskyInverse, choleskyInverseDiagonal } from '#shared/numeric/linear.ts'
import { random } from '#shared/numeric/random.ts'
import { LocalPsf, type Psf } from '#shared/photometry/psf.ts'
import { analyticPsf } from '#shared/photometry/psf-build.ts'
import { gaussianOf, SEARCH_BLOCK_PX, searchRows } from '#shared/photometry/row-filter.ts'
import { Scene } from '#shared/photometry/scene.ts'
import { StampPsf } from '#shared/photometry/stamp-psf.ts'
import { StarStamp } from '#shared/photometry/star-stamp.ts'

// The kernels of WebAssembly against plain code that does the same in double precision.

const width = 83
const height = 61

/** A scene of noise with some light drawn into it, some pixels masked. */
function noisyScene(): Scene {
  const draw = random('stamp')
  const pixels = Float32Array.from({ length: width * height }, () => 500 + 20 * draw.normal())
  const mask = new Uint8Array(width * height)
  for (let k = 0; k < 60; k++) mask[Math.floor(draw.uniform() * mask.length)] = 1
  const detector = { gainElectronsPerAdu: 1.5, readNoiseElectrons: 6, saturationAdu: 6e4, pedestalAdu: 0 }
  const scene = new Scene({ width, height, pixels, mask, detector }, new Float32Array(width * height).fill(498))
  for (let k = 0; k < scene.residual.length; k += 3) scene.residual[k] -= 300
  return scene
}

/** A PSF that changes over the frame: each node of the grid gets noise of its own. */
function psfOf(fwhmPx: number, slant: number): Psf {
  const variance = (fwhmPx / 2.2) ** 2
  const flat = (value: number) => Float64Array.of(value, 0, 0, 0, 0, 0)
  const moments: [Float64Array, Float64Array, Float64Array] = [flat(variance), flat(variance), flat(slant * variance)]
  const psf = analyticPsf({ width, height }, { tableOrder: 0, beta: 3, moments, widthErr: 0, kept: [0, 1, 2] })
  const draw = random('tables')
  const size = 2 * psf.half + 1
  for (let node = 0; node < psf.nodesX * psf.nodesY; node++) {
    const noise = Float64Array.from({ length: size * size }, () => 1e-4 * draw.normal())
    splineCoefficients(noise, size, size)
    for (let k = 0; k < noise.length; k++) psf.tables[node * noise.length + k] += noise[k]
  }
  return psf
}

describe.each([1.3, 2.1, 3.4, 5.2, 8])('the stamp of a star with FWHM %d pixel', fwhmPx => {
  const scene = noisyScene()
  const psf = psfOf(fwhmPx, 0)
  const tables = new StampPsf(scene.memory, psf)
  const radius = Math.min(2.3 * fwhmPx + 1, psf.radiusPx)

  // In the open, and cut by the corner of the frame.
  test.each([
    [40.37, 30.81],
    [1.2, 58.9],
  ])('at (%d, %d) has the equations of plain code', (x, y) => {
    const stamp = new StarStamp(scene, tables)
    stamp.radius = radius
    stamp.moveTo(x, y, radius)
    stamp.sample(x, y)
    stamp.weigh(x, y, radius, true)

    const local = new LocalPsf(psf)
    local.moveTo(x, y, radius)
    const { x0, y0, w, h } = stamp
    const [value, slopeX, slopeY] = [0, 1, 2].map(() => new Float64Array(w * h))
    local.gradients(x, y, x0, y0, w, h, value, slopeX, slopeY)
    const plain = new Float64Array(9)
    const shape = { count: 0, square: 0, vv: 0, vl: 0, ll: 0, rl: 0 }
    const core = 1.2 * fwhmPx
    for (let k = 0; k < w * h; k++) {
      const [i, j] = [x0 + (k % w), y0 + Math.floor(k / w)]
      const square = (i - x) ** 2 + (j - y) ** 2
      const p = j * width + i
      if (square > radius * radius || !scene.usable[p]) continue
      const left = scene.residual[p]
      const variance = scene.variance(p)
      const weight = 1 / (variance * (1 + ((left * left) / (25 * variance)) ** 4))
      const row = [value[k], slopeX[k], slopeY[k]]
      const pairs = [0, 0, 0, 1, 1, 2].map((a, n) => row[a] * row[[0, 1, 2, 1, 2, 2][n]])
      const terms = [...pairs, ...row.map(r => r * left)]
      terms.forEach((term, n) => {
        plain[n] += weight * term
      })
      if (square > core * core) continue
      const bend = local.laplacian(x, y, i, j) / 2
      shape.count++
      shape.square += weight * left * left
      shape.vv += weight * value[k] ** 2
      shape.vl += weight * value[k] * bend
      shape.ll += weight * bend * bend
      shape.rl += weight * left * bend
    }
    const scales = plain.map((_, n) => Math.max(...plain.slice(n < 6 ? 0 : 6, n < 6 ? 6 : 9).map(Math.abs)))
    plain.forEach((sum, n) => {
      expect(Math.abs(stamp.own[n] - sum) / scales[n]).toBeLessThan(2e-5)
    })
    const free = shape.ll - shape.vl ** 2 / shape.vv
    const measured = stamp.shape(x, y, 1000, core)
    expect(measured.chi).toBeCloseTo(Math.sqrt(shape.square / (shape.count - 3)), 4)
    expect(measured.sharpErr * 1000 * Math.sqrt(free)).toBeCloseTo(1, 3)
    expect(measured.sharp / measured.sharpErr).toBeCloseTo(shape.rl / Math.sqrt(free), 2)
  })

  test('shares with its neighbour what plain code finds, and paints its light', () => {
    const places = [
      [40.37, 30.81],
      [42.9, 29.05],
    ]
    const stamps = places.map(([x, y]) => {
      const stamp = new StarStamp(scene, tables)
      stamp.radius = radius
      stamp.moveTo(x, y, radius)
      stamp.sample(x, y)
      stamp.weigh(x, y, radius, false)
      return stamp
    })
    const [[ax, ay], [bx, by]] = places
    const shared = new Float64Array(9)
    expect(stamps[0].shareWith(stamps[1], shared)).toBe(true)
    const grids = places.map(([x, y]) => {
      const local = new LocalPsf(psf)
      local.moveTo(x, y)
      const planes = [0, 1, 2].map(() => new Float64Array(width * height))
      local.gradients(x, y, 0, 0, width, height, planes[0], planes[1], planes[2])
      return planes
    })
    const plain = new Float64Array(9)
    for (let p = 0; p < width * height; p++) {
      const [i, j] = [p % width, Math.floor(p / width)]
      const far = Math.max((i - ax) ** 2 + (j - ay) ** 2, (i - bx) ** 2 + (j - by) ** 2)
      if (far > radius * radius || !scene.usable[p]) continue
      for (let n = 0; n < 9; n++) {
        plain[n] += (grids[0][Math.floor(n / 3)][p] * grids[1][n % 3][p]) / scene.variance(p)
      }
    }
    const scale = Math.max(...plain.map(Math.abs))
    plain.forEach((sum, n) => {
      expect(Math.abs(shared[n] - sum) / scale).toBeLessThan(2e-5)
    })

    const before = scene.residual.slice()
    stamps[0].paint(ax, ay, 5000)
    for (let p = 0; p < width * height; p++) {
      const within = ((p % width) - ax) ** 2 + (Math.floor(p / width) - ay) ** 2 <= radius * radius
      expect(scene.residual[p] - before[p]).toBeCloseTo(within ? 5000 * grids[0][0][p] : 0, 2)
    }
    stamps[0].paint(ax, ay, -5000)
  })
})

describe.each([0, 0.5])('the matched filter of a PSF with slant %d', slant => {
  test('gives the significance and error of a flux under its Gaussian', () => {
    const scene = noisyScene()
    const psf = psfOf(3.4, slant)
    const [significances, units] = [0, 1].map(() => new Float32Array(width * height))
    searchRows(scene, psf, 0, (y, { significance, unit, tops }) => {
      expect(tops[0]).toBe(Math.max(...significance.subarray(0, SEARCH_BLOCK_PX)))
      expect(tops[1]).toBeGreaterThanOrEqual(Math.max(...significance.subarray(SEARCH_BLOCK_PX)))
      significances.set(significance, y * width)
      units.set(unit, y * width)
    })
    const { xx, yy, xy } = gaussianOf(psf)
    const determinant = xx * yy - xy * xy
    const kernelAt = (u: number, v: number, scale: number) => {
      const square = (yy * u * u - 2 * xy * u * v + xx * v * v) / (determinant * scale)
      return Math.exp(-square / 2) / (2 * Math.PI * Math.sqrt(determinant) * scale)
    }
    for (const [x, y] of [
      [40, 30],
      [12, 50],
    ]) {
      let top = 0
      let bottom = 0
      let squares = 0
      for (let p = 0; p < width * height; p++) {
        const [u, v] = [(p % width) - x, Math.floor(p / width) - y]
        squares += kernelAt(u, v, 1) ** 2
        if (!scene.usable[p]) continue
        top += (kernelAt(u, v, 1) * scene.residual[p]) / scene.variance(p)
        bottom += kernelAt(u, v, 0.5) / scene.variance(p)
      }
      const k = y * width + x
      // The Gaussian is cut at three σ, and slanted lines are followed in whole rows.
      expect(units[k] * Math.sqrt(squares * bottom)).toBeCloseTo(1, 1)
      expect(significances[k]).toBeCloseTo(top / Math.sqrt(squares * bottom), 0)
    }
  })
})

test('the diagonal of an inverse is that of the inverse', () => {
  const draw = random('matrix')
  const n = 7
  const root = Float64Array.from({ length: n * n }, () => draw.normal())
  const matrix = Float64Array.from({ length: n * n }, (_, k) => {
    let sum = Math.floor(k / n) === k % n ? 1 : 0
    for (let m = 0; m < n; m++) sum += root[Math.floor(k / n) * n + m] * root[(k % n) * n + m]
    return sum
  })
  expect(choleskyInPlace(matrix, n)).toBe(true)
  const whole = choleskyInverse(matrix, n)
  const diagonal = new Float64Array(n)
  choleskyInverseDiagonal(matrix, n, diagonal)
  for (let i = 0; i < n; i++) expect(diagonal[i]).toBeCloseTo(whole[i * n + i], 12)
})
