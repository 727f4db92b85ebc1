import { type Survey, type SurveyBand, survey } from '../survey.ts'
import { vizier } from '../upstreams.ts'

const band = (name: string, faint: number): SurveyBand => ({
  mag: [`${name}mag`, name],
  err: [`e_${name}mag`, `d${name}`],
  assumedErr: mag => Math.hypot(0.01, 0.1 * 10 ** (0.4 * (mag - faint))),
  system: 'AB',
  standsFor: name,
  bright: 7,
  faint,
  colour: ['g', 'r'],
})

/** All sky on the system of Pan-STARRS1, put together of Pan-STARRS, APASS, SkyMapper and its own survey of bright stars. */
export const atlasRefcat2: Survey = survey({
  id: 'atlas_refcat2',
  title: 'ATLAS All-Sky Stellar Reference Catalog, version 2',
  source: 'Tonry et al. 2018; VizieR J/ApJ/867/105/refcat2, MAST HLSP',
  mainBand: 'r',
  bands: { g: band('g', 19.5), r: band('r', 19), i: band('i', 18.8), z: band('z', 18.5) },
  columns: {
    id: ['objid', 'ObjID'],
    ra: ['RA_ICRS', 'RA', 'ra'],
    dec: ['DE_ICRS', 'Dec', 'dec'],
    raErr: [['e_RA_ICRS', 1]],
    decErr: [['e_DE_ICRS', 1]],
    pmRa: ['pmRA', 'pmra'],
    pmDec: ['pmDE', 'pmdec'],
    parallax: ['Plx', 'plx'],
  },
  epochYear: 2015.5,
  positionErrMas: 2,
  clean: [
    // within this radius the neighbours together are as bright as the star, arcseconds
    { columns: [['r1']], keep: radius => radius >= 10 },
    { columns: [['e_rmag', 'dr']], keep: error => error < 0.05 },
  ],
  declination: [-90, 90],
  systematicMag: 0.01,
  upstreams: [
    vizier('J/ApJ/867/105/refcat2', {
      ra: 'RA_ICRS',
      dec: 'DE_ICRS',
      magnitude: 'rmag',
      columns: ['Plx', 'pmRA', 'pmDE', 'gmag', 'e_gmag', 'rmag', 'e_rmag', 'imag', 'e_imag', 'zmag', 'e_zmag', 'r1'],
    }),
  ],
})
