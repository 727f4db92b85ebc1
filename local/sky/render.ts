import { random } from '#shared/numeric/random.ts'

/** What falls on the chip and what the chip does with it. */
export interface Exposure {
  width: number
  height: number
  /** Stars on and near the chip: 0-based pixel and electrons in all. */
  x: ArrayLike<number>
  y: ArrayLike<number>
  electrons: ArrayLike<number>
  psf: Psf
  /** Electrons of sky per pixel in the middle, and its slope across the frame as a share of it, along x and y. */
  skyElectrons: number
  skySlope: [number, number]
  chip: Chip
  /** Particles that hit the chip during the exposure. */
  cosmicRays: number
  seed: string
}

/** A Moffat profile of exponent 3, elongated along one direction. */
export interface Psf {
  /** Full width at half maximum, pixel: geometric mean of the two axes. */
  fwhmPx: number
  /** Long over short axis. */
  elongation: number
  /** Direction of the long axis from the x axis, degrees. */
  angleDeg: number
}

export interface Chip {
  gainElectronsPerAdu: number
  readNoiseElectrons: number
  /** Added before digitising, ADU. */
  biasAdu: number
  /** Wells are full here, ADU above zero. */
  saturationAdu: number
  /** Dead columns, and pixels with a warm current. */
  deadColumns: number[]
  hotPixels: { x: number; y: number; electrons: number }[]
}

// Nodes and weights of the 3-point Gauss–Legendre rule on a pixel of width 1.
const NODE = [-Math.sqrt(0.15), 0, Math.sqrt(0.15)]
const WEIGHT = [5 / 18, 8 / 18, 5 / 18]

/** The frame a camera would write: 16-bit counts, row-major. The same exposure gives the same counts. */
export function render(exposure: Exposure): Uint16Array {
  const { width, height, chip } = exposure
  const electrons = expectedElectrons(exposure)
  const draw = random(exposure.seed)
  hitWithParticles(electrons, exposure)
  const counts = new Uint16Array(width * height)
  for (let i = 0; i < counts.length; i++) {
    const seen = draw.poisson(electrons[i]) + chip.readNoiseElectrons * draw.normal()
    const adu = Math.round(seen / chip.gainElectronsPerAdu + chip.biasAdu)
    counts[i] = Math.max(0, Math.min(chip.saturationAdu, adu))
  }
  for (const column of chip.deadColumns) {
    for (let y = 0; y < height; y++) counts[y * width + column] = Math.max(0, chip.biasAdu - 20 + draw.integer(9))
  }
  return counts
}

/** Mean electrons per pixel: sky, stars and warm pixels, before any noise. */
export function expectedElectrons(exposure: Exposure): Float64Array {
  const { width, height, skyElectrons, skySlope, chip } = exposure
  const map = new Float64Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      map[y * width + x] = skyElectrons * (1 + skySlope[0] * (x / width - 0.5) + skySlope[1] * (y / height - 0.5))
    }
  }
  const noise = Math.sqrt(skyElectrons + chip.readNoiseElectrons ** 2)
  for (let i = 0; i < exposure.x.length; i++) {
    addStar(map, width, height, exposure.x[i], exposure.y[i], exposure.electrons[i], exposure.psf, noise)
  }
  for (const hot of chip.hotPixels) map[hot.y * width + hot.x] += hot.electrons
  return map
}

/**
 * Add one star: the Moffat profile (β − 1)/(π α²) (1 + r²/α²)^−β with β = 3, integrated over every pixel, out to where
 * less than a hundredth of the noise is left in a pixel (and at least to 9 α, where 1.5e-4 of the light is still outside).
 */
function addStar(
  map: Float64Array,
  width: number,
  height: number,
  x: number,
  y: number,
  electrons: number,
  psf: Psf,
  noise: number,
): void {
  const alpha = psf.fwhmPx / (2 * Math.sqrt(2 ** (1 / 3) - 1))
  const alpha2 = alpha * alpha
  const peak = (2 * electrons) / (Math.PI * alpha2)
  const reach = alpha * Math.max(9, Math.sqrt(Math.max(0, (peak / (0.01 * noise)) ** (1 / 3) - 1)))
  if (x < -reach || y < -reach || x > width + reach || y > height + reach) return

  const angle = (psf.angleDeg * Math.PI) / 180
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)]
  const long = Math.sqrt(psf.elongation)
  const xx = ((cos / long) ** 2 + (sin * long) ** 2) / alpha2
  const yy = ((sin / long) ** 2 + (cos * long) ** 2) / alpha2
  const xy = (2 * sin * cos * (1 / psf.elongation - psf.elongation)) / alpha2
  const core2 = (5 * alpha) ** 2
  const y1 = Math.min(height - 1, Math.floor(y + reach))
  const x1 = Math.min(width - 1, Math.floor(x + reach))
  for (let row = Math.max(0, Math.ceil(y - reach)); row <= y1; row++) {
    for (let column = Math.max(0, Math.ceil(x - reach)); column <= x1; column++) {
      const dx = column - x
      const dy = row - y
      const r2 = dx * dx + dy * dy
      if (r2 > reach * reach) continue
      let share = 0
      if (r2 > core2) {
        // Far out the profile is straight over a pixel: its middle is its mean.
        const q = 1 + xx * dx * dx + xy * dx * dy + yy * dy * dy
        share = 1 / (q * q * q)
      } else {
        for (let b = 0; b < 3; b++) {
          const v = dy + NODE[b]
          for (let a = 0; a < 3; a++) {
            const u = dx + NODE[a]
            const q = 1 + xx * u * u + xy * u * v + yy * v * v
            share += (WEIGHT[a] * WEIGHT[b]) / (q * q * q)
          }
        }
      }
      map[row * width + column] += peak * share
    }
  }
}

/** Short straight tracks, a pixel wide. */
function hitWithParticles(map: Float64Array, { width, height, cosmicRays, seed }: Exposure): void {
  const draw = random(`${seed} cosmic rays`)
  for (let k = 0; k < cosmicRays; k++) {
    const x = draw.uniform() * width
    const y = draw.uniform() * height
    const angle = draw.uniform() * 2 * Math.PI
    const long = 1 + Math.floor(6 * draw.uniform() ** 3)
    const electrons = 500 + 4000 * draw.uniform()
    for (let step = 0; step < long; step++) {
      const column = Math.round(x + step * Math.cos(angle))
      const row = Math.round(y + step * Math.sin(angle))
      if (column >= 0 && row >= 0 && column < width && row < height) map[row * width + column] += electrons
    }
  }
}
