import type { SceneStars } from './scene.ts'

/** The largest group that is fitted at once: its normal matrix has three columns for each star. */
export const MAX_GROUP = 25

/** Rows of the frame that stay in the processor's memory. */
const STRIP_PX = 64

/**
 * Friends of friends: stars closer than the linking length belong together. Groups that grow beyond
 * {@link MAX_GROUP} are split with a shorter length; their members then see each other as subtracted neighbours.
 *
 * @returns groups of star indices, in strips over the frame, so that those fitted one after the other lie in the same part of
 *   memory; inside a group the brightest comes first
 */
export function groupStars(stars: SceneStars, linkPx: number): Int32Array[] {
  const groups: Int32Array[] = []
  link(stars, stars.byFlux(), linkPx, groups)
  const strip = (group: Int32Array) => Math.floor(stars.y[group[0]] / STRIP_PX)
  return groups.sort((a, b) => strip(a) - strip(b) || stars.x[a[0]] - stars.x[b[0]] || a[0] - b[0])
}

function link(stars: SceneStars, members: Int32Array, linkPx: number, groups: Int32Array[]): void {
  const cells = new Map<number, number[]>()
  const key = (i: number, j: number) => i * 65536 + j
  const cellX = (s: number) => Math.floor(stars.x[s] / linkPx) + 1
  const cellY = (s: number) => Math.floor(stars.y[s] / linkPx) + 1
  for (const star of members) {
    const k = key(cellX(star), cellY(star))
    const list = cells.get(k)
    if (list) list.push(star)
    else cells.set(k, [star])
  }
  const seen = new Set<number>()
  const place = new Map<number, number>()
  members.forEach((star, i) => {
    place.set(star, i)
  })
  for (const first of members) {
    if (seen.has(first)) continue
    seen.add(first)
    const group = [first]
    for (let at = 0; at < group.length; at++) {
      const a = group[at]
      for (let i = cellX(a) - 1; i <= cellX(a) + 1; i++) {
        for (let j = cellY(a) - 1; j <= cellY(a) + 1; j++) {
          for (const b of cells.get(key(i, j)) ?? []) {
            if (seen.has(b)) continue
            if (Math.hypot(stars.x[a] - stars.x[b], stars.y[a] - stars.y[b]) > linkPx) continue
            seen.add(b)
            group.push(b)
          }
        }
      }
    }
    const sorted = Int32Array.from(group.sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0)))
    // Stars on one place cannot be split by any length: the cut then is by brightness.
    if (sorted.length <= MAX_GROUP) groups.push(sorted)
    else if (linkPx > 0.05) link(stars, sorted, linkPx * 0.8, groups)
    else for (let i = 0; i < sorted.length; i += MAX_GROUP) groups.push(sorted.slice(i, i + MAX_GROUP))
  }
}
