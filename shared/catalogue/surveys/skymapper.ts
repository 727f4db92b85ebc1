import { type Survey, type SurveyBand, survey } from '../survey.ts'
import { vizier } from '../upstreams.ts'

/** Its u and v are bands of their own, which no other survey and no usual filter has. */
const band = (name: string, standsFor: string, faint: number): SurveyBand => ({
  mag: [`${name}PSF`, `${name}_psf`],
  err: [`e_${name}PSF`, `e_${name}_psf`],
  assumedErr: mag => Math.hypot(0.01, 0.1 * 10 ** (0.4 * (mag - faint))),
  system: 'AB',
  standsFor,
  bright: 9,
  faint,
  colour: ['g', 'r'],
})

export const skymapper: Survey = survey({
  id: 'skymapper',
  title: 'SkyMapper Southern Survey, DR4',
  source: 'Onken et al. 2024; VizieR II/379/smssdr4',
  mainBand: 'r',
  bands: {
    u: band('u', 'SkyMapper u', 19),
    v: band('v', 'SkyMapper v', 19),
    g: band('g', 'g', 20.5),
    r: band('r', 'r', 20),
    i: band('i', 'i', 19.3),
    z: band('z', 'z', 18.5),
  },
  columns: {
    id: ['ObjectId', 'object_id'],
    ra: ['RAICRS', 'raj2000', 'RA_ICRS'],
    dec: ['DEICRS', 'dej2000', 'DE_ICRS'],
    raErr: [
      ['e_RAICRS', 1],
      ['e_raj2000', 1],
    ],
    decErr: [
      ['e_DEICRS', 1],
      ['e_dej2000', 1],
    ],
    epoch: ['mean_epoch', 'EpMean'],
  },
  epochYear: 2016.5,
  positionErrMas: 150,
  clean: [
    // SExtractor's first four flags: a neighbour, blended, saturated, cut off
    { columns: [['flags', 'Flags']], keep: flags => flags < 4 },
    { columns: [['ClassStar', 'class_star']], keep: star => star > 0.8 },
  ],
  declination: [-90, 16],
  systematicMag: 0.01,
  upstreams: [
    vizier('II/379/smssdr4', {
      ra: 'RAICRS',
      dec: 'DEICRS',
      magnitude: 'rPSF',
      columns: ['ObjectId', 'EpMean', 'flags', 'ClassStar'].concat(
        ...['u', 'v', 'g', 'r', 'i', 'z'].map(name => [`${name}PSF`, `e_${name}PSF`]),
      ),
    }),
  ],
})
