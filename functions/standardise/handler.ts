import { StandardiseInput, StandardiseOutput } from '#events/stages.ts'
import { stageHandler } from '#shared/aws/stage-handler.ts'
import { ObjectsByDigest } from '#shared/objects-by-digest.ts'
import { standardise } from './standardise.ts'

export const handler = stageHandler(
  { stage: 'standardise', input: StandardiseInput, output: StandardiseOutput },
  async (input, { raw, store, frames, execution, log }) => {
    const frame = await standardise(input, { raw: new ObjectsByDigest(raw, input.frameId), store, log })
    return { ...frame, duplicateOf: await frames.alreadyDone(input.frameId, execution) }
  },
)
