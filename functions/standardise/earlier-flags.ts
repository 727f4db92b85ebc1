import type { Header } from '#shared/fits/header.ts'
import { type Flag, flagMask } from '#shared/flags.ts'
import { cpcs } from './dialects/cpcs.ts'
import type { Found } from './read-value.ts'

type Told = Partial<Record<'gainElectronsPerAdu' | 'readNoiseElectrons' | 'saturationAdu', Found<number>>>

/** Flags of what the header of a raw frame left open, or of what was done to it: the standardised one does not show it. */
const LASTING: readonly Flag[] = ['timeUncertain', 'exposureUnknown', 'mosaicGreen', 'skyCutOff']

/**
 * The flags that a frame got when it was standardised before: values which were estimated then stand in its header as if
 * they had been told. 0 for every other frame; a value of the telescope's profile ends the flag of the estimate.
 */
export function earlierFlags(header: Header, dialect: string, told: Told): number {
  if (dialect !== cpcs.id) return 0
  const estimates: [Flag, Found<number> | undefined][] = [
    ['gainEstimated', told.gainElectronsPerAdu],
    ['readNoiseEstimated', told.readNoiseElectrons],
    ['saturationEstimated', told.saturationAdu],
  ]
  const lasting = [...LASTING, ...estimates.flatMap(([flag, found]) => (found?.from === 'profile' ? [] : [flag]))]
  return (header.number('QFLAGS') ?? 0) & flagMask(...lasting)
}
