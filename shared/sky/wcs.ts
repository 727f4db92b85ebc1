import type { Card, Header } from '#shared/fits/header.ts'
import { DEGREE } from './angles.ts'
import { gnomonic, inverseGnomonic } from './projection.ts'
import type { Sip, Wcs } from './wcs-type.ts'

/** The sky position (degrees, ICRS) of a 0-based pixel position. */
export function pixelToSky(wcs: Wcs, x: number, y: number): [raDeg: number, decDeg: number] {
  const [xi, eta] = pixelToPlane(wcs, x, y)
  return inverseGnomonic(xi, eta, wcs.crvalRaDeg, wcs.crvalDecDeg)
}

/** Standard coordinates (degrees about the reference point) of a 0-based pixel position. */
export function pixelToPlane(wcs: Wcs, x: number, y: number): [xiDeg: number, etaDeg: number] {
  const u = x - wcs.crpixX
  const v = y - wcs.crpixY
  const [du, dv] = wcs.sip ? distortion(wcs.sip, u, v) : [0, 0]
  const [c11, c12, c21, c22] = wcs.cd
  return [c11 * (u + du) + c12 * (v + dv), c21 * (u + du) + c22 * (v + dv)]
}

/**
 * The 0-based pixel position of a sky position (degrees, ICRS), exact to 1e-9 pixel within the frame: the inverse
 * polynomial starts Newton's iteration on the forward one. NaN on the far hemisphere.
 */
export function skyToPixel(wcs: Wcs, raDeg: number, decDeg: number): [x: number, y: number] {
  const [xi, eta] = gnomonic(raDeg, decDeg, wcs.crvalRaDeg, wcs.crvalDecDeg)
  return planeToPixel(wcs, xi, eta)
}

/** The 0-based pixel position of standard coordinates (degrees about the reference point). */
export function planeToPixel(wcs: Wcs, xiDeg: number, etaDeg: number): [x: number, y: number] {
  const [c11, c12, c21, c22] = wcs.cd
  const determinant = c11 * c22 - c12 * c21
  const bigU = (c22 * xiDeg - c12 * etaDeg) / determinant
  const bigV = (c11 * etaDeg - c21 * xiDeg) / determinant
  if (!wcs.sip) return [wcs.crpixX + bigU, wcs.crpixY + bigV]
  const [u, v] = undistort(wcs.sip, bigU, bigV)
  return [wcs.crpixX + u, wcs.crpixY + v]
}

/** Degrees per pixel at the reference point: the square root of the pixel's area on the sky. */
export function pixelScaleDeg(wcs: Wcs): number {
  const [c11, c12, c21, c22] = wcs.cd
  return Math.sqrt(Math.abs(c11 * c22 - c12 * c21))
}

/** 1 where the frame shows the sky as seen (east left of north when north is up, y up), −1 where mirrored. */
export function parity(wcs: Wcs): 1 | -1 {
  const [c11, c12, c21, c22] = wcs.cd
  return c11 * c22 - c12 * c21 < 0 ? 1 : -1
}

/** Position angle of the frame's +y axis, degrees east of north, in [-180, 180). */
export function rotationDeg(wcs: Wcs): number {
  const angle = Math.atan2(wcs.cd[1], wcs.cd[3]) / DEGREE
  return angle >= 180 ? angle - 360 : angle
}

/** Σ A_pq u^p v^q and Σ B_pq u^p v^q. */
export function distortion(sip: Sip, u: number, v: number): [du: number, dv: number] {
  let du = 0
  let dv = 0
  for (let k = 0; k < sip.p.length; k++) {
    const term = u ** sip.p[k] * v ** sip.q[k]
    du += sip.a[k] * term
    dv += sip.b[k] * term
  }
  return [du, dv]
}

function undistort(sip: Sip, bigU: number, bigV: number): [number, number] {
  let u = bigU
  let v = bigV
  for (let k = 0; k < sip.inverseP.length; k++) {
    const term = bigU ** sip.inverseP[k] * bigV ** sip.inverseQ[k]
    u += sip.ap[k] * term
    v += sip.bp[k] * term
  }
  for (let round = 0; round < 20; round++) {
    let f = u - bigU
    let g = v - bigV
    let fu = 1
    let fv = 0
    let gu = 0
    let gv = 1
    for (let k = 0; k < sip.p.length; k++) {
      const p = sip.p[k]
      const q = sip.q[k]
      const term = u ** p * v ** q
      const byU = p > 0 ? p * u ** (p - 1) * v ** q : 0
      const byV = q > 0 ? q * u ** p * v ** (q - 1) : 0
      f += sip.a[k] * term
      g += sip.b[k] * term
      fu += sip.a[k] * byU
      fv += sip.a[k] * byV
      gu += sip.b[k] * byU
      gv += sip.b[k] * byV
    }
    const determinant = fu * gv - fv * gu
    const stepU = (gv * f - fv * g) / determinant
    const stepV = (fu * g - gu * f) / determinant
    u -= stepU
    v -= stepV
    if (!(Math.abs(stepU) + Math.abs(stepV) > 1e-11 * (1 + Math.abs(u) + Math.abs(v)))) break
  }
  return [u, v]
}

/**
 * The FITS cards of a solution: TAN-SIP, ICRS, reference pixel in the FITS convention (first pixel 1).
 *
 * @param width,height size of the frame, pixel; written as IMAGEW and IMAGEH
 */
export function wcsCards(wcs: Wcs, width: number, height: number): Card[] {
  const suffix = wcs.sip ? '-SIP' : ''
  const cards: Card[] = [
    { keyword: 'WCSAXES', value: 2 },
    { keyword: 'CTYPE1', value: `RA---TAN${suffix}`, comment: 'gnomonic projection' },
    { keyword: 'CTYPE2', value: `DEC--TAN${suffix}`, comment: 'gnomonic projection' },
    { keyword: 'CUNIT1', value: 'deg' },
    { keyword: 'CUNIT2', value: 'deg' },
    { keyword: 'RADESYS', value: 'ICRS' },
    { keyword: 'CRVAL1', value: wcs.crvalRaDeg, comment: '[deg] right ascension of the reference point' },
    { keyword: 'CRVAL2', value: wcs.crvalDecDeg, comment: '[deg] declination of the reference point' },
    { keyword: 'CRPIX1', value: wcs.crpixX + 1, comment: '[pix] reference point' },
    { keyword: 'CRPIX2', value: wcs.crpixY + 1, comment: '[pix] reference point' },
    { keyword: 'CD1_1', value: wcs.cd[0], comment: '[deg/pix]' },
    { keyword: 'CD1_2', value: wcs.cd[1], comment: '[deg/pix]' },
    { keyword: 'CD2_1', value: wcs.cd[2], comment: '[deg/pix]' },
    { keyword: 'CD2_2', value: wcs.cd[3], comment: '[deg/pix]' },
    { keyword: 'IMAGEW', value: width, comment: '[pix] width of the frame' },
    { keyword: 'IMAGEH', value: height, comment: '[pix] height of the frame' },
  ]
  if (!wcs.sip) return cards
  const { order, p, q, a, b, inverseOrder, inverseP, inverseQ, ap, bp } = wcs.sip
  cards.push({ keyword: 'A_ORDER', value: order }, ...terms('A', p, q, a))
  cards.push({ keyword: 'B_ORDER', value: order }, ...terms('B', p, q, b))
  cards.push({ keyword: 'AP_ORDER', value: inverseOrder }, ...terms('AP', inverseP, inverseQ, ap))
  cards.push({ keyword: 'BP_ORDER', value: inverseOrder }, ...terms('BP', inverseP, inverseQ, bp))
  return cards
}

function terms(letter: string, p: number[], q: number[], values: number[]): Card[] {
  return values.map((value, k) => ({ keyword: `${letter}_${p[k]}_${q[k]}`, value }))
}

/**
 * The solution that a header carries, or undefined where it carries none of this kind (TAN or TAN-SIP with a CD or PC
 * matrix, or CDELT with CROTA2). SIP terms are read also where CTYPE lacks the suffix.
 */
export function wcsFromCards(header: Header): Wcs | undefined {
  const type = header.string('CTYPE1') ?? ''
  if (!/^RA---TAN(-SIP)?\s*$/.test(type)) return undefined
  const needed = ['CRVAL1', 'CRVAL2', 'CRPIX1', 'CRPIX2'].map(keyword => header.number(keyword))
  const cd = linearMatrix(header)
  if (!cd || needed.some(value => value === undefined)) return undefined
  const [crvalRaDeg, crvalDecDeg, crpixX, crpixY] = needed as number[]
  const wcs: Wcs = { crvalRaDeg, crvalDecDeg, crpixX: crpixX - 1, crpixY: crpixY - 1, cd }
  const sip = sipFromCards(header)
  return sip ? { ...wcs, sip } : wcs
}

function linearMatrix(header: Header): Wcs['cd'] | undefined {
  const cd = ['CD1_1', 'CD1_2', 'CD2_1', 'CD2_2'].map(keyword => header.number(keyword))
  if (cd.some(value => value !== undefined)) return cd.map(value => value ?? 0) as Wcs['cd']
  const step1 = header.number('CDELT1')
  const step2 = header.number('CDELT2')
  if (step1 === undefined || step2 === undefined) return undefined
  const pc = ['PC1_1', 'PC1_2', 'PC2_1', 'PC2_2'].map(keyword => header.number(keyword))
  if (pc.some(value => value !== undefined)) {
    return [step1 * (pc[0] ?? 1), step1 * (pc[1] ?? 0), step2 * (pc[2] ?? 0), step2 * (pc[3] ?? 1)]
  }
  const rotation = (header.number('CROTA2') ?? 0) * DEGREE
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)]
  return [step1 * cos, -step2 * sin, step1 * sin, step2 * cos]
}

function sipFromCards(header: Header): Sip | undefined {
  const order = Math.max(header.number('A_ORDER') ?? 0, header.number('B_ORDER') ?? 0)
  if (order < 2) return undefined
  const inverseOrder = Math.max(header.number('AP_ORDER') ?? 0, header.number('BP_ORDER') ?? 0)
  const forward = powers(0, order)
  const inverse = powers(0, inverseOrder)
  const read = (letter: string, list: [number, number][]) =>
    list.map(([p, q]) => header.number(`${letter}_${p}_${q}`) ?? 0)
  return {
    order,
    p: forward.map(([p]) => p),
    q: forward.map(([, q]) => q),
    a: read('A', forward),
    b: read('B', forward),
    inverseOrder,
    inverseP: inverse.map(([p]) => p),
    inverseQ: inverse.map(([, q]) => q),
    ap: read('AP', inverse),
    bp: read('BP', inverse),
  }
}

/** The powers (p, q) of a polynomial in two variables, lowest ≤ p + q ≤ order, in order of degree, then of q. */
export function powers(lowest: number, order: number): [p: number, q: number][] {
  const list: [number, number][] = []
  for (let degree = lowest; degree <= order; degree++) for (let q = 0; q <= degree; q++) list.push([degree - q, q])
  return list
}
