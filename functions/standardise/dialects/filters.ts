import type { Confidence } from './dialect.ts'

/** Bands of the standard header: Johnson-Cousins, Sloan-like, near infrared, and none. */
export const bandNames = [
  'U',
  'B',
  'V',
  'R',
  'I',
  'u',
  'g',
  'r',
  'i',
  'z',
  'y',
  'J',
  'H',
  'K',
  'clear',
  'narrow',
] as const

export type Band = (typeof bandNames)[number]

/** Names that are taken letter by letter: upper case is Johnson-Cousins, lower case Sloan. */
const exact: Record<string, Band> = {
  U: 'U',
  B: 'B',
  V: 'V',
  R: 'R',
  I: 'I',
  Rc: 'R',
  Ic: 'I',
  RC: 'R',
  IC: 'I',
  Bc: 'B',
  Vc: 'V',
  Uc: 'U',
  Rj: 'R',
  Ij: 'I',
  UX: 'U',
  BX: 'B',
  u: 'u',
  g: 'g',
  r: 'r',
  i: 'i',
  z: 'z',
  y: 'y',
  Y: 'y',
  Z: 'z',
  up: 'u',
  gp: 'g',
  rp: 'r',
  ip: 'i',
  zp: 'z',
  zs: 'z',
  SU: 'u',
  SG: 'g',
  SR: 'r',
  SI: 'i',
  SZ: 'z',
  ZS: 'z',
  PY: 'y',
  g2: 'g',
  J: 'J',
  JX: 'J',
  H: 'H',
  K: 'K',
  Ks: 'K',
  KXs: 'K',
  L: 'clear',
  IRCUT: 'clear',
  LP: 'narrow',
  Lum: 'clear',
  C: 'clear',
  CV: 'clear',
  CR: 'clear',
  w: 'clear',
  CN: 'clear',
  VR: 'clear',
  NF: 'clear',
  N: 'clear',
}

/** Patterns for everything longer; the first that fits counts. The letter caught is the band unless one is named. */
const patterns: readonly { pattern: RegExp; band?: Band; sloan?: boolean; confidence: Confidence }[] = [
  {
    pattern: /^(h[\s_-]?(a|alpha|b|beta)|o[\s_-]?(iii|3)|s[\s_-]?(ii|2)|n[\s_-]?(ii|2)|he[\s_-]?ii)(\W.*|\d.*|_.*)?$/i,
    band: 'narrow',
    confidence: 'likely',
  },
  {
    pattern: /^(dual|tri|quad)[\s_-]?band|^l-?(extreme|enhance|ultimate)|^(uhc|cls)\b|methane|^ch4\b/i,
    band: 'narrow',
    confidence: 'likely',
  },
  { pattern: /narrow|^(oh|uc|nh|bc|c2|c3|gc|rcn)$|\bnm\b/i, band: 'narrow', confidence: 'likely' },
  {
    pattern:
      /^(clear|open|none|no|air|empty|plate|free|blank|luminance|lum|unfiltered|no[\s_-]?filter|white|l-?pro|uv[\s/_-]?ir.*)\d*$/i,
    band: 'clear',
    confidence: 'likely',
  },
  { pattern: /^(?:sdss|sloan)[\s_'.-]*([ugriz])(?:['p2s]|prime)?(?:$|[\s_.-])/i, sloan: true, confidence: 'certain' },
  {
    pattern: /^([ugriz])d?[\s_'.-]*(?:sdss|sloan|decam|gunn|ps1|ps|ztf|megacam|prime)/i,
    sloan: true,
    confidence: 'certain',
  },
  {
    pattern: /^(?:ztf|ps1|ps|atlas|decam|des|gunn|astrodon)[\s_.-]*([ugrizy])(?:$|[\s_'.-])/i,
    sloan: true,
    confidence: 'likely',
  },
  { pattern: /^([ugrizy])(?:'|p|_prime| prime)$/i, sloan: true, confidence: 'certain' },
  { pattern: /^([ugriz])_[GgZz]\d+$/, sloan: true, confidence: 'likely' },
  {
    pattern:
      /^(?:bessell?|johnson|cousins|kron|harris|landolt|jc|photometric|bes|astrodon|dia)[\s_.-]*([ubvri])(?:$|[\s_.\d-]|c\b)/i,
    confidence: 'certain',
  },
  // broad bands of ESO's Wide Field Imager, such as BB#Rc/162_ESO844
  { pattern: /^BB#([UBVRI])/, confidence: 'certain' },
  { pattern: /^(?:johnson|cousins|bessell?)\/(?:johnson|cousins|bessell?)[\s_-]*([ubvri])$/i, confidence: 'certain' },
  {
    pattern: /^([UBVRI])[\s_.-]*(?:bessell?|bes|johnson|john|cousins|kron|harris|landolt|ctio|kpno|jc|c|int|phot|b\b)/i,
    confidence: 'certain',
  },
  { pattern: /^([UBVRI])\s*-\s*(?:ultraviolet|uv|blue|green|red|infrared)/i, confidence: 'likely' },
  { pattern: /^red\b/i, band: 'R', confidence: 'guess' },
  { pattern: /^green\b|^tg$/i, band: 'V', confidence: 'guess' },
  { pattern: /^blue\b/i, band: 'B', confidence: 'guess' },
  { pattern: /^([UBVRI])[\s_.]/, confidence: 'likely' },
  { pattern: /^([ugrizy])[\s_.]/, sloan: true, confidence: 'likely' },
  { pattern: /^([JHK])s?[\s_.]/, confidence: 'likely' },
]

/**
 * The band that a filter's name stands for. Case counts where it is all there is (R is Cousins, r is Sloan).
 * Undefined where the name says nothing.
 */
export function bandOf(filterName: string): { band: Band; confidence: Confidence } | undefined {
  const name = filterName.trim()
  if (Object.hasOwn(exact, name)) return { band: exact[name], confidence: 'certain' }
  for (const { pattern, band, sloan, confidence } of patterns) {
    const match = pattern.exec(name)
    if (!match) continue
    if (band) return { band, confidence }
    const letter = sloan ? match[1].toLowerCase() : match[1].toUpperCase()
    return { band: letter as Band, confidence }
  }
  return undefined
}
