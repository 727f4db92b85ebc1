import { random } from '#shared/numeric/random.ts'
import { cameraHeader } from './camera-headers.ts'
import { fitsFile } from './fits-writer.ts'
import { type Aim, altitudeDeg, deproject, julianYear, parallaxFactors, project, toPixel } from './geometry.ts'
import { type Exposure, render } from './render.ts'
import { EPOCH, type SkyBand, type StarField } from './star-field.ts'
import { scaleArcsec, type Telescope } from './telescopes.ts'
import { type Transient, transientMag } from './transient.ts'

/** One exposure asked of a telescope. */
export interface Request {
  telescope: Telescope
  /** Key of the telescope's filter wheel. */
  filter: string
  /** Start of the exposure, MJD, UTC. */
  mjdStart: number
  /** Share of the light that the air lets through: 1 clear, 0.01 thick cloud. */
  transparency: number
}

/** A frame as it leaves the camera, and what is true about it. */
export interface Observed {
  bytes: Uint8Array
  exposure: Exposure
  truth: {
    aim: Aim
    mjdMid: number
    /** Magnitude of the transient in the band's own system. */
    targetMag: number
    /** 0-based pixel. */
    targetX: number
    targetY: number
    /** Signal of the transient over the noise of an ideal measurement. */
    targetSignalToNoise: number
  }
}

const EXTINCTION = 0.12 // mag per airmass, about that of r
const SEEING_ARCSEC = 2.3

/** Point a telescope at the transient and expose. The same request gives the same bytes. */
export function observe(sky: StarField, transient: Transient, request: Request): Observed {
  const { telescope, mjdStart, transparency } = request
  const filter = telescope.filters[request.filter]
  const seed = `${telescope.name} ${request.filter} ${mjdStart.toFixed(5)}`
  const draw = random(`${seed} conditions`)
  const mjdMid = mjdStart + telescope.exposureSeconds / 2 / 86400
  const airmass = airmassAt(telescope, transient, mjdMid)
  const aim = aimAt(telescope, transient, draw.uniform(), draw.uniform())
  const targetMag = transientMag(transient, filter.band, mjdMid)

  const zeroPoint = filter.zeroPointMag - EXTINCTION * (airmass - 1) + 2.5 * Math.log10(transparency)
  const electronsOf = (mag: number) => telescope.exposureSeconds * 10 ** (0.4 * (zeroPoint - mag))
  const term = (mag: (band: SkyBand) => number) => filter.colourTerm * (mag(filter.colour[0]) - mag(filter.colour[1]))
  const stars = starsOnChip(sky, aim, mjdMid, i => {
    return electronsOf(sky.mag[filter.band][i] + term(band => sky.mag[band][i]))
  })
  const [east, north] = project(transient.raDeg, transient.decDeg, aim.raDeg, aim.decDeg)
  const [targetX, targetY] = toPixel(aim, east, north)
  const targetElectrons = electronsOf(targetMag + term(band => transientMag(transient, band, mjdMid)))
  stars.x.push(targetX)
  stars.y.push(targetY)
  stars.electrons.push(targetElectrons)

  const exposure: Exposure = {
    width: telescope.width,
    height: telescope.height,
    ...stars,
    psf: {
      fwhmPx: (SEEING_ARCSEC * airmass ** 0.6 * (0.9 + 0.35 * draw.uniform())) / scaleArcsec(telescope),
      elongation: 1.02 + 0.06 * draw.uniform(),
      angleDeg: 180 * draw.uniform(),
    },
    // Cloud takes starlight away and gives back some of the towns' light.
    skyElectrons: skyElectronsPerPixel(telescope, filter) * (1 + 0.8 * (1 - transparency)),
    skySlope: [0.05 * (draw.uniform() - 0.5), 0.05 * (draw.uniform() - 0.5)],
    chip: telescope.chip,
    cosmicRays: draw.poisson(telescope.exposureSeconds / 6),
    seed,
  }
  const header = cameraHeader({
    telescope,
    filterName: filter.name,
    mjdStart,
    objectName: transient.name,
    raDeg: transient.raDeg,
    decDeg: transient.decDeg,
    airmass,
  })
  return {
    bytes: fitsFile(render(exposure), telescope.width, telescope.height, header),
    exposure,
    truth: { aim, mjdMid, targetMag, targetX, targetY, targetSignalToNoise: signalToNoise(targetElectrons, exposure) },
  }
}

/** Where the tube really points: off by up to three arcminutes, turned by up to a degree. */
function aimAt(telescope: Telescope, { raDeg, decDeg }: Transient, u: number, v: number): Aim {
  const off = 0.05 * Math.sqrt(u)
  const [ra, dec] = deproject(off * Math.cos(2 * Math.PI * v), off * Math.sin(2 * Math.PI * v), raDeg, decDeg)
  return {
    raDeg: ra,
    decDeg: dec,
    scaleArcsec: scaleArcsec(telescope),
    rotationDeg: telescope.rotationDeg + 2 * (v - 0.5),
    parity: telescope.parity,
    distortion: telescope.distortion,
    width: telescope.width,
    height: telescope.height,
  }
}

function starsOnChip(sky: StarField, aim: Aim, mjd: number, electronsOf: (star: number) => number) {
  const years = julianYear(mjd) - EPOCH
  const [parallaxEast, parallaxNorth] = parallaxFactors(aim.raDeg, aim.decDeg, mjd)
  const margin = 100
  const stars = { x: [] as number[], y: [] as number[], electrons: [] as number[] }
  for (let i = 0; i < sky.count; i++) {
    const eastMas = sky.pmRaMasPerYear[i] * years + sky.parallaxMas[i] * parallaxEast
    const northMas = sky.pmDecMasPerYear[i] * years + sky.parallaxMas[i] * parallaxNorth
    const dec = sky.decDeg[i] + northMas / 3.6e6
    const ra = sky.raDeg[i] + eastMas / 3.6e6 / Math.cos((dec * Math.PI) / 180)
    const [east, north] = project(ra, dec, aim.raDeg, aim.decDeg)
    const [x, y] = toPixel(aim, east, north)
    if (x < -margin || y < -margin || x > aim.width + margin || y > aim.height + margin) continue
    stars.x.push(x)
    stars.y.push(y)
    stars.electrons.push(electronsOf(i))
  }
  return stars
}

function skyElectronsPerPixel(telescope: Telescope, filter: { zeroPointMag: number; skyMag: number }): number {
  const perSquareArcsec = telescope.exposureSeconds * 10 ** (0.4 * (filter.zeroPointMag - filter.skyMag))
  return perSquareArcsec * scaleArcsec(telescope) ** 2
}

/**
 * Signal over noise of the best possible measurement of a faint star: noise of the sky over the profile's own weight,
 * 1 / Σp² = effective area, 5 π α² / 4 for a Moffat of exponent 3, and the star's photons.
 */
function signalToNoise(electrons: number, { psf, skyElectrons, chip }: Exposure): number {
  const alpha = psf.fwhmPx / (2 * Math.sqrt(2 ** (1 / 3) - 1))
  const area = (5 * Math.PI * alpha * alpha) / 4
  return electrons / Math.sqrt(area * (skyElectrons + chip.readNoiseElectrons ** 2) + electrons)
}

function airmassAt(telescope: Telescope, { raDeg, decDeg }: Transient, mjd: number): number {
  const { latitudeDeg, longitudeEastDeg } = telescope.site
  const altitude = altitudeDeg(raDeg, decDeg, mjd, latitudeDeg, longitudeEastDeg)
  return 1 / Math.sin((altitude * Math.PI) / 180)
}
