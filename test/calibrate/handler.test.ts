import { expect, test, vi } from 'vitest'
import type { CalibrateDeps } from '#functions/calibrate/calibrate.ts'
import type * as stages from '#shared/aws/stage-handler.ts'

const handed = vi.hoisted(() => ({ deps: undefined as CalibrateDeps | undefined }))
vi.mock('#functions/calibrate/calibrate.ts', () => ({
  calibrate: (_: unknown, deps: CalibrateDeps) => {
    handed.deps = deps
  },
}))
vi.mock('#shared/aws/stage-handler.ts', () => ({
  stageHandler: ((_: unknown, work: unknown) => work) as unknown as typeof stages.stageHandler,
}))

test('the stage in the cloud knows the memory of cameras and the points of objects', async () => {
  const { handler } = await import('#functions/calibrate/handler.ts')
  const all = { store: 'store', tiles: 'tiles', log: 'log', cameras: 'cameras', points: 'points' }
  ;(handler as unknown as (input: unknown, deps: unknown) => void)({}, all)
  expect(handed.deps).toEqual(all)
})
