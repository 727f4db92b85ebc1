/**
 * World coordinates of a frame: gnomonic projection with SIP distortion (Calabretta & Greisen 2002; Shupe et al. 2005),
 * ICRS. The reference pixel is 0-based here; FITS files get +1 when written.
 *
 * u = x − crpixX, v = y − crpixY; u' = u + Σ A_pq u^p v^q, v' = v + Σ B_pq u^p v^q; (ξ, η) = CD (u', v') in degrees.
 */
export interface Wcs {
  crvalRaDeg: number
  crvalDecDeg: number
  crpixX: number
  crpixY: number
  /** [CD1_1, CD1_2, CD2_1, CD2_2], degrees per pixel. */
  cd: [number, number, number, number]
  sip?: Sip
}

/** Terms as flat lists: index k of every list belongs to the powers p[k] of u and q[k] of v, 2 ≤ p + q ≤ order. */
export interface Sip {
  order: number
  p: number[]
  q: number[]
  a: number[]
  b: number[]
  /** The inverse, pixel offsets from intermediate ones; its terms run over inverseP, inverseQ from order 1 (or 0). */
  inverseOrder: number
  inverseP: number[]
  inverseQ: number[]
  ap: number[]
  bp: number[]
}
