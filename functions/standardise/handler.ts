import { StandardiseInput, StandardiseOutput } from '#events/stages.ts'
import { stageHandler } from '#shared/aws/stage-handler.ts'
import { ObjectsByDigest } from '#shared/objects-by-digest.ts'
import type { ObjectStore } from '#shared/store.ts'
import { standardise } from './standardise.ts'

export const handler = stageHandler(
  { stage: 'standardise', input: StandardiseInput, output: StandardiseOutput },
  async (input, { raw, store, frames, execution, log }) => {
    const profile = await profileOf(input.telescope, store)
    const frame = await standardise(input, { raw: new ObjectsByDigest(raw, input.frameId), store, log, profile })
    return { ...frame, duplicateOf: await frames.alreadyDone(input.frameId, execution) }
  },
)

/** What the telescope's owner knows better than its headers, where an operator has put it beside the products. */
async function profileOf(telescope: string, store: ObjectStore): Promise<string | undefined> {
  const key = `profiles/${telescope}.json`
  return (await store.size(key)) === undefined ? undefined : new TextDecoder().decode(await store.get(key))
}
