import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { processFrame } from '#cli/pipeline.ts'
import { importTiles } from '#cli/tiles.ts'
import { silent } from '#shared/store.ts'

const data = join(import.meta.dirname, '..', '..', '..', 'shared', 'data')
const present = existsSync(data)
const work = mkdtempSync(join(tmpdir(), 'cpcs-real-'))
const catalogues = join(work, 'catalogues')
afterAll(() => rmSync(work, { recursive: true, force: true }))

const hatp32 = { name: 'HAT-P-32', raDeg: 31.0427, decDeg: 46.6879 }
const microObservatory = present
  ? readdirSync(join(data, 'exotic_microobs')).filter(name => name.endsWith('.FITS'))
  : []

describe.skipIf(!present)(
  'real frames of small telescopes, with Tycho-2 alone as reference (skipped where the data are absent)',
  () => {
    beforeAll(async () => {
      const files = ['tycho2_hatp32.ecsv', 'tycho2_panoptes_cyg.ecsv'].map(name => join(data, 'tycho2_cutouts', name))
      await importTiles('tycho2', files, catalogues, () => {})
    })

    test.each(microObservatory)('MicroObservatory %s is solved and gives a point of HAT-P-32', async name => {
      const out = join(work, name)
      const path = join(data, 'exotic_microobs', name)
      const report = await processFrame(path, 'calibrate', { catalogues, out, targets: [hatp32], log: silent })
      expect(report.reason).toBeUndefined()
      // solve-field on the same frames matches 26 to 30 Tycho-2 stars; the pixels are 5.16" wide (PROVENANCE of the data)
      expect(report.wcs?.matchedStars).toBeGreaterThanOrEqual(20)
      expect(report.wcs?.medianResidualPx).toBeLessThan(0.3)
      expect(report.wcs?.pixelScaleArcsec).toBeCloseTo(5.165, 1)
      expect(report.targets).toHaveLength(1)
      // HAT-P-32 has V = 11.29 (Hartman et al. 2011); a clear filter against VT is good to a few tenths
      expect(report.targets?.[0].detected).toBe(true)
      expect(Math.abs(report.targets![0].mag! - 11.3)).toBeLessThan(0.4)
    })

    test('a Bayer frame of a PANOPTES camera is solved and calibrated on its green pixels', async () => {
      const path = join(data, 'panoptes', 'unsolved.fits')
      const out = join(work, 'panoptes')
      const report = await processFrame(path, 'calibrate', { catalogues, out, targets: [], log: silent })
      expect(report.reason).toBeUndefined()
      // 10.30"/pixel of the mosaic: 20.6" per cell of two green pixels; centre from an independent solution of the frame
      expect(report.wcs?.pixelScaleArcsec).toBeCloseTo(20.6, 0)
      expect(report.wcs?.raDeg).toBeCloseTo(303.21, 1)
      expect(report.wcs?.decDeg).toBeCloseTo(46.02, 1)
      expect(report.wcs?.matchedStars).toBeGreaterThanOrEqual(20)
      // an aperture photometry of the frame by another program scatters by 0.08 mag about VT
      expect(report.calibration?.chosen).toMatchObject({ survey: 'tycho2', band: 'VT' })
      expect(report.calibration?.chosen?.scatter).toBeLessThan(0.15)
      expect(report.calibration?.chosen?.stars).toBeGreaterThan(20)
    })
  },
)
