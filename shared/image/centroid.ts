import type { Image } from './patches.ts'
import { MOST_REACH, type SignalPlane, type Window } from './window-kernels.ts'

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
const TRUSTED_SIGNAL = 20 // σ under the window from which a star's own width enters its error

/** What is known of the pixels that a window is laid over. */
export interface PixelNoise {
  /** Noise of a sky pixel, ADU (1 σ). */
  rms: number
  gainElectronsPerAdu: number
}

/**
 * Windowed centroid of a star (SExtractor's XWIN, YWIN): x ← x + 2 Σ w I (xᵢ − x) / Σ w I under a Gaussian window,
 * until it stands still; error from the noise of sky and photons. As good as a PSF fit for star-like profiles.
 *
 * @param plane whose memory the image lies in
 * @param image background-subtracted, ADU: the plane itself or a patch of it
 * @param x,y start, pixel of the image, 0-based: the centre of the first pixel is (0, 0)
 * @param sigmaPx σ of the window, pixel: half-light diameter / √(8 ln 2)
 * @param into takes the result; its x is NaN where the window leaves the frame, the sum is not positive, or the
 *   position runs away by more than two window sigmas
 */
export function windowedCentroid(
  plane: SignalPlane,
  { signal, width, height }: Image,
  noise: PixelNoise,
  x: number,
  y: number,
  sigmaPx: number,
  into: Centroid,
): void {
  const reach = Math.min(MOST_REACH, Math.ceil(WINDOW_REACH * sigmaPx))
  const startX = x
  const startY = y
  const window: Window = { signal, width, left: 0, low: 0, columns: 2 * reach + 1, lines: 0 }
  plane.weightX.fill(0)
  into.x = into.y = into.xErr = into.yErr = into.sum = Number.NaN
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const column = Math.round(x)
    const row = Math.round(y)
    if (!(column >= 0 && column < width && row >= 0 && row < height)) return
    window.left = column - reach
    window.low = Math.max(0, row - reach)
    window.lines = Math.min(height - 1, row + reach) - window.low + 1
    weigh(plane.weightX, window.left, window.columns, x, sigmaPx, width)
    weigh(plane.weightY, window.low, window.lines, y, sigmaPx, height)
    const sums = plane.sums(window, window.left - x, window.low - y)
    const sum = sums[0]
    if (!(sum > 0)) return
    const stepX = (2 * sums[1]) / sum
    const stepY = (2 * sums[2]) / sum
    x += stepX
    y += stepY
    if (!(Math.abs(x - startX) + Math.abs(y - startY) < 3 * sigmaPx)) return
    if (Math.abs(stepX) + Math.abs(stepY) < SETTLED_PX || round === MOST_ROUNDS - 1) {
      into.x = x
      into.y = y
      into.sum = sum
      windowedError(plane, window, noise, sigmaPx, into)
      return
    }
  }
}

/** Weights of a Gaussian at whole places from `first` on, 0 outside of the image. */
function weigh(weights: Float32Array, first: number, count: number, centre: number, sigma: number, size: number): void {
  const perVariance = -1 / (2 * sigma * sigma)
  const off = first - centre
  // from place to place a Gaussian goes on by factors that themselves go on by one factor
  let weight = Math.exp(off * off * perVariance)
  let factor = Math.exp((2 * off + 1) * perVariance)
  const perStep = Math.exp(2 * perVariance)
  for (let k = 0; k < count; k++) {
    weights[k] = first + k < 0 || first + k >= size ? 0 : weight
    weight *= factor
    factor *= perStep
  }
}

function windowedError(
  plane: SignalPlane,
  window: Window,
  { rms, gainElectronsPerAdu }: PixelNoise,
  sigmaPx: number,
  into: Centroid,
): void {
  const sums = plane.noise(window, window.left - into.x, window.low - into.y, rms * rms, 1 / gainElectronsPerAdu)
  // Where the window stands still its pull grows by 1 − m/s² a pixel, m the second moment under it: ½ for a star as
  // wide as the window, more for a narrower axis. A faint star's own moment is noise: there ½ has to do.
  const trust = into.sum * into.sum > TRUSTED_SIGNAL ** 2 * sums[0]
  const pull = (moment: number) =>
    trust ? Math.min(0.8, Math.max(0.25, 1 - moment / (into.sum * sigmaPx * sigmaPx))) : 0.5
  into.xErr = Math.sqrt(sums[1]) / (pull(sums[3]) * into.sum)
  into.yErr = Math.sqrt(sums[2]) / (pull(sums[4]) * into.sum)
}
