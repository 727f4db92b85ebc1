import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { standardFrame } from '#functions/standardise/standardise.ts'
import { estimateBackground } from '#shared/image/background.ts'
import { detectSources } from '#shared/image/detection.ts'
import { measureStars } from '#shared/photometry/measure-stars.ts'

const frameFile = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'panoptes', 'unsolved.fits')

test.skipIf(!existsSync(frameFile))(
  'a camera lens whose stars are narrower than a pixel: apertures hold what the PSF says (skipped without the frame)',
  () => {
    const { frame } = standardFrame(readFileSync(frameFile))
    const background = estimateBackground(frame)
    const { growth } = measureStars(frame, background.level, detectSources(frame, background))
    const outer = growth.radiusPx.findIndex(radius => radius > 4)
    expect(outer).toBeGreaterThan(0)
    // With wings of neighbours' light the PSF tells of a quarter more than any aperture holds.
    expect(growth.fraction[outer]).toBeGreaterThan(0.93)
    expect(growth.fraction[outer]).toBeLessThan(1.07)
  },
)
