/** Windowed position of a star; reused between stars. */
export interface Centroid {
  x: number
  y: number
  /** 1 σ per axis, pixel. */
  xErr: number
  yErr: number
  /** Sum under the window, ADU. */
  sum: number
}

const MOST_ROUNDS = 16
const SETTLED_PX = 2e-4
const WINDOW_REACH = 4 // σ of the window
const MOST_REACH = 64
const TRUSTED_SIGNAL = 20 // σ under the window from which a star's own width enters its error

const windowX = new Float64Array(2 * MOST_REACH + 1)
const windowY = new Float64Array(2 * MOST_REACH + 1)

/**
 * Windowed centroid of a star (SExtractor's XWIN, YWIN): x ← x + 2 Σ w I (xᵢ − x) / Σ w I under a Gaussian window,
 * until it stands still; error from the noise of sky and photons. As good as a PSF fit for star-like profiles.
 *
 * @param signal background-subtracted image, row-major, ADU
 * @param rms noise of a sky pixel, ADU
 * @param x,y start, pixel, 0-based: the centre of the first pixel is (0, 0)
 * @param sigmaPx σ of the window, pixel: half-light diameter / √(8 ln 2)
 * @param into takes the result; its x is NaN where the window leaves the frame, the sum is not positive, or the
 *   position runs away by more than two window sigmas
 */
export function windowedCentroid(
  signal: Float32Array,
  rms: number,
  width: number,
  height: number,
  gainElectronsPerAdu: number,
  x: number,
  y: number,
  sigmaPx: number,
  into: Centroid,
): void {
  const reach = Math.min(MOST_REACH, Math.ceil(WINDOW_REACH * sigmaPx))
  const perVariance = -1 / (2 * sigmaPx * sigmaPx)
  const startX = x
  const startY = y
  into.x = into.y = into.xErr = into.yErr = into.sum = Number.NaN
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const column = Math.round(x)
    const row = Math.round(y)
    if (!(column >= 0 && column < width && row >= 0 && row < height)) return
    for (let k = -reach; k <= reach; k++) {
      windowX[k + reach] = Math.exp((column + k - x) ** 2 * perVariance)
      windowY[k + reach] = Math.exp((row + k - y) ** 2 * perVariance)
    }
    const left = Math.max(0, column - reach)
    const right = Math.min(width - 1, column + reach)
    const low = Math.max(0, row - reach)
    const high = Math.min(height - 1, row + reach)
    let sum = 0
    let sumX = 0
    let sumY = 0
    for (let v = low; v <= high; v++) {
      let line = 0
      let lineX = 0
      for (let u = left; u <= right; u++) {
        const value = signal[v * width + u] * windowX[u - column + reach]
        line += value
        lineX += value * (u - x)
      }
      const weight = windowY[v - row + reach]
      sum += line * weight
      sumX += lineX * weight
      sumY += line * weight * (v - y)
    }
    if (!(sum > 0)) return
    const stepX = (2 * sumX) / sum
    const stepY = (2 * sumY) / sum
    x += stepX
    y += stepY
    if (!(Math.abs(x - startX) + Math.abs(y - startY) < 3 * sigmaPx)) return
    if (Math.abs(stepX) + Math.abs(stepY) < SETTLED_PX || round === MOST_ROUNDS - 1) {
      into.x = x
      into.y = y
      into.sum = sum
      windowedError(signal, rms, width, gainElectronsPerAdu, left, right, low, high, column, row, reach, sigmaPx, into)
      return
    }
  }
}

function windowedError(
  signal: Float32Array,
  rms: number,
  width: number,
  gain: number,
  left: number,
  right: number,
  low: number,
  high: number,
  column: number,
  row: number,
  reach: number,
  sigmaPx: number,
  into: Centroid,
): void {
  let varianceX = 0
  let varianceY = 0
  let momentX = 0
  let momentY = 0
  let variance = 0
  for (let v = low; v <= high; v++) {
    const dy = v - into.y
    for (let u = left; u <= right; u++) {
      const i = v * width + u
      const dx = u - into.x
      const weight = windowX[u - column + reach] * windowY[v - row + reach]
      const pixelVariance = rms * rms + Math.max(0, signal[i]) / gain
      const noise = weight * weight * pixelVariance
      variance += noise
      varianceX += noise * dx * dx
      varianceY += noise * dy * dy
      momentX += weight * signal[i] * dx * dx
      momentY += weight * signal[i] * dy * dy
    }
  }
  // Where the window stands still its pull grows by 1 − m/s² a pixel, m the second moment under it: ½ for a star as
  // wide as the window, more for a narrower axis. A faint star's own moment is noise: there ½ has to do.
  const trust = into.sum * into.sum > TRUSTED_SIGNAL ** 2 * variance
  const pull = (moment: number) =>
    trust ? Math.min(0.8, Math.max(0.25, 1 - moment / (into.sum * sigmaPx * sigmaPx))) : 0.5
  into.xErr = Math.sqrt(varianceX) / (pull(momentX) * into.sum)
  into.yErr = Math.sqrt(varianceY) / (pull(momentY) * into.sum)
}
