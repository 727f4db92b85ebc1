import { flagMask } from '#shared/flags.ts'
import { widthsOf } from './hidden-companions.ts'
import type { KnownStars } from './known-stars.ts'
import { PlaceIndex } from './place-index.ts'
import type { Psf } from './psf.ts'
import type { Scene } from './scene.ts'
import type { SceneStars } from './scene-stars.ts'

/** The fit covers a galaxy with stars that lie from one to two FWHM apart: nearer ones were merged. */
const LINK_FWHM = 2.1
/**
 * Together they are wider than stars by this many errors. Of pairs of real stars one in 160 is, by chance; three stars
 * that nobody knows seldom stand together at all, and the pieces of a galaxy commonly do (see host-galaxy.ts). Where
 * stars are so many that they do, only what cannot be chance counts.
 */
const WIDE_SIGMA = { pair: 2.5, more: 1.5, crowded: 4 }
/** So many others within the linking length of a place taken at random make a field crowded. */
const CROWDED = 0.1
/** What is this significant is no piece, and its width tells more of the PSF's faults than of itself. */
const STAR_SIGMA = 30
/** A star of a survey this near is the same, FWHM. */
const KNOWN_FWHM = 0.6

/**
 * Mark the stars that are parts of one extended source. The light of a galaxy is fitted by several stars side by side,
 * each of them a little wider than the PSF; the brightest of them stays and stands for the galaxy, the others are drawn
 * but are no stars of their own. What a survey made above the air knows as a star is one.
 */
export function markPieces(scene: Scene, stars: SceneStars, psf: Psf, known?: KnownStars): void {
  const linkPx = LINK_FWHM * psf.fwhmPx
  const measured = stars.byFlux().filter(star => !stars.held[star])
  const width = new Float64Array(stars.count)
  widthsOf(stars, measured).forEach((value, i) => {
    width[measured[i]] = value
  })
  const members = candidates(stars, measured, psf, known)
  const crowded = (members.length * Math.PI * linkPx * linkPx) / (scene.width * scene.height) > CROWDED
  for (const group of groupsOf(stars, members, linkPx)) {
    const faint = group.filter(star => stars.flux[star] < STAR_SIGMA * stars.fluxErr[star])
    const wide = faint.reduce((sum, star) => sum + width[star], 0)
    const sigmas = WIDE_SIGMA[crowded ? 'crowded' : group.length > 2 ? 'more' : 'pair']
    if (!(wide > sigmas * Math.sqrt(faint.length))) continue
    for (const star of faint) if (star !== group[0]) stars.piece[star] = 1
  }
}

/** Stars that nothing vouches for, brightest first. */
function candidates(stars: SceneStars, measured: Int32Array, psf: Psf, known?: KnownStars): Int32Array {
  const { x, y, flags } = stars
  const same = KNOWN_FWHM * psf.fwhmPx
  const index = new PlaceIndex(same)
  for (let i = 0; known && i < known.x.length; i++) index.add(known.x, known.y, i)
  return measured.filter(star => {
    if (flags[star] & flagMask('saturated')) return false
    return !known || index.nearestTo(x[star], y[star], known.x, known.y) > same
  })
}

/** Friends of friends, two and more of them, in the order of `members`. */
function groupsOf({ count, x, y }: SceneStars, members: Int32Array, linkPx: number): number[][] {
  const index = new PlaceIndex(linkPx)
  for (const star of members) index.add(x, y, star)
  const rank = new Int32Array(count)
  members.forEach((star, i) => {
    rank[star] = i
  })
  const seen = new Uint8Array(count)
  const groups: number[][] = []
  for (const first of members) {
    if (seen[first]) continue
    seen[first] = 1
    const group = [first]
    for (let at = 0; at < group.length; at++) {
      const here = group[at]
      index.visit(x[here], y[here], star => {
        if (seen[star] || Math.hypot(x[star] - x[here], y[star] - y[here]) > linkPx) return
        seen[star] = 1
        group.push(star)
      })
    }
    if (group.length > 1) groups.push(group.sort((a, b) => rank[a] - rank[b]))
  }
  return groups
}
