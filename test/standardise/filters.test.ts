import { describe, expect, test } from 'vitest'
import { bandOf } from '#functions/standardise/dialects/filters.ts'

// Names collected from the archives of many telescopes (Mommert 2017 and the authors of other pipelines).
const names: Record<string, string[]> = {
  U: ['U', 'U_Bes 362_60', 'Bessell U'],
  B: ['B', 'Bessell B', 'B-Bessel', 'B_Cousins', 'B_JOHN_10', 'B Harris k1002', 'B_Bes 440_100', 'Johnson B'],
  V: [
    'V',
    'Bessell V',
    'Bessell_V1',
    'V_Johnson',
    'V_Cousins',
    'V_JOHN_11',
    'V-Bessel',
    'V - Green',
    'V_Bes 530_80',
    'dia v',
    'Photometric V',
  ],
  R: [
    'R',
    'Rc',
    'Bessell R',
    'R-Bessel',
    'R_Johnson',
    'R_Cousins',
    'R_JOHN_12',
    'R_Bes 650_130',
    'R - Red',
    'dia r',
    'Cousins R',
  ],
  I: ['I', 'Ic', 'Bessell I', 'I-Bessel', 'I_JOHN_13', 'i_int 797_157', 'I - Infrared', 'dia i'],
  u: ['u', 'up', "u'", 'SDSS-U', 'Sloan u'],
  g: [
    'g',
    'gp',
    "g'",
    'SDSS g',
    'SDSS-G',
    'Sloan_g',
    'g-SDSS',
    'ZTF_g',
    'g2',
    'SG',
    'g DECam SDSS c0001 4720.0 1520.0',
  ],
  r: ['r', 'rp', "r'", 'SDSS r', "sloan r'", 'ZTF_r', 'r_G0303', 'SR', 'r DECam SDSS c0002 6415.0 1480.0'],
  i: ['i', 'ip', "i'", 'i_Gunn', 'i_G0302', 'SDSS-I'],
  z: ['z', 'zs', 'zp', "z'", 'z SDSS c6020', 'zd DECam k1038'],
  J: ['J', 'JX'],
  H: ['H'],
  K: ['K', 'Ks', 'KXs'],
  clear: [
    'clear',
    'Clear',
    'CLEAR',
    'open',
    'Open',
    'none',
    'w',
    'CN',
    'VR',
    'NF',
    'plate',
    'free',
    'L',
    'Luminance',
    'Lum',
    'No Filter',
  ],
  narrow: ['Ha', 'H-alpha', 'H_alpha', 'OIII', 'SII', 'OH', 'UC', 'NH', 'C2', 'C3', 'Ha 6nm', 'O3'],
}

describe('a filter name gives its band, and the case of a lone letter counts', () => {
  for (const [band, aliases] of Object.entries(names))
    test(band, () => expect(aliases.map(name => [name, bandOf(name)?.band])).toEqual(aliases.map(name => [name, band])))

  test.each(['slot 3', '7', 'xyz', ''])('%j gives none', name => expect(bandOf(name)).toBeUndefined())
})
