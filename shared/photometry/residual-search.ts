import { EmptyPlaces, SCATTER_STEP_PX, type Scatter } from './empty-scatter.ts'
import type { Psf } from './psf.ts'
import { blocksOf, SEARCH_BLOCK_PX, searchRows } from './row-filter.ts'
import type { Scene } from './scene.ts'

export interface Found {
  x: number
  y: number
  flux: number
  significance: number
}

/**
 * Search the whole residual.
 *
 * @param doubt see {@link searchRows}
 * @param threshold of the peaks, σ
 * @returns local maxima above the threshold on usable pixels, most significant first; and the scatter of the bulk of
 *   empty places
 */
export function searchResidual(
  scene: Scene,
  psf: Psf,
  doubt: number,
  threshold: number,
): { peaks: Found[]; scatter: Scatter } {
  const { width, height, usable, memory } = scene
  const peaks: Found[] = []
  const mark = memory.mark()
  const empty = new EmptyPlaces(memory, width, height, false)
  // The last three rows, the oldest first, and what the blocks of each reach.
  let rows = [0, 1, 2].map(() => ({ values: new Float32Array(width), tops: new Float32Array(blocksOf(width)) }))
  const errors = new Float32Array(width)
  searchRows(scene, psf, doubt, (y, searched) => {
    const { significance, unit, tops } = searched
    if (y % SCATTER_STEP_PX === 0) empty.addRow(y, searched)
    rows = [rows[1], rows[2], rows[0]]
    rows[2].values.set(significance)
    rows[2].tops.set(tops)
    if (y >= 3 && y < height - 1) {
      const [above, row, below] = rows
      for (let block = 0; block < row.tops.length; block++) {
        if (!(row.tops[block] > threshold)) continue
        const from = block * SEARCH_BLOCK_PX
        findPeaks([above.values, row.values, below.values], y - 1, from, usable, errors, threshold, peaks)
      }
    }
    errors.set(unit)
  })
  peaks.sort((a, b) => b.significance - a.significance || a.y - b.y || a.x - b.x)
  const scatter = empty.scatter()
  memory.release(mark)
  return { peaks, scatter }
}

/** The scatter of empty places with the tail of faint stars in it. */
export function scatterWithTail(scene: Scene, psf: Psf): Scatter {
  const { width, height, memory } = scene
  const mark = memory.mark()
  const empty = new EmptyPlaces(memory, width, height, true)
  searchRows(scene, psf, 0, (y, row) => empty.addRow(y, row), SCATTER_STEP_PX)
  const scatter = empty.scatter()
  memory.release(mark)
  return scatter
}

/** Local maxima of a block of the middle one of three rows. */
function findPeaks(
  [above, row, below]: Float32Array[],
  y: number,
  from: number,
  usable: Uint8Array,
  unit: Float32Array,
  threshold: number,
  found: Found[],
): void {
  const width = row.length
  const to = Math.min(from + SEARCH_BLOCK_PX, width - 2)
  for (let x = Math.max(from, 2); x < to; x++) {
    const value = row[x]
    if (!(value > threshold) || !usable[y * width + x]) continue
    if (value < row[x - 1] || value <= row[x + 1] || value < above[x] || value <= below[x]) continue
    if (value < above[x - 1] || value < above[x + 1]) continue
    if (value <= below[x - 1] || value <= below[x + 1]) continue
    const bendX = 2 * value - row[x - 1] - row[x + 1]
    const bendY = 2 * value - above[x] - below[x]
    found.push({
      x: x + (bendX > 0 ? (row[x + 1] - row[x - 1]) / (2 * bendX) : 0),
      y: y + (bendY > 0 ? (below[x] - above[x]) / (2 * bendY) : 0),
      flux: value * unit[x],
      significance: value,
    })
  }
}
