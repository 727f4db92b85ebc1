import { z } from 'zod'

/** A field whose tiles are to be there before its first frame comes. */
export const Field = z.object({
  name: z.string(),
  raDeg: z.number().min(0).lt(360),
  decDeg: z.number().min(-90).max(90),
  radiusDeg: z.number().positive().max(10),
  /** Surveys to fetch; those that the service fetches where they are not given. */
  surveys: z.array(z.string()).optional(),
})

/** `fields.json` in the tiles bucket, which the operator writes. */
export const Fields = z.array(Field)

/** A cell of order 6 of the sky, of one survey. */
export const TileToFetch = z.object({ survey: z.string(), cell: z.int() })
/** What came of it; `reason` is the name of the error where it was not fetched. */
export const TileFetched = TileToFetch.extend({ fetched: z.boolean(), reason: z.string().optional() })

/** What the tasks of the machine that fetches tiles beforehand are asked. */
export const PrefetchInput = z.discriminatedUnion('step', [
  z.object({ step: z.literal('list') }),
  z.object({ step: z.literal('fetch'), tile: TileToFetch }),
  z.object({ step: z.literal('index'), results: z.array(TileFetched) }),
])

/** What they answer. */
export const PrefetchOutput = z.union([
  /** Tiles of all fields that are not held; `left` more wait for the next run. */
  z.object({ items: z.array(TileToFetch), left: z.int() }),
  TileFetched,
  z.object({ fetched: z.int(), failed: z.int(), reason: z.string() }),
])

export type Fields = z.infer<typeof Fields>
export type PrefetchInput = z.infer<typeof PrefetchInput>
export type PrefetchOutput = z.infer<typeof PrefetchOutput>
export type TileToFetch = z.infer<typeof TileToFetch>
export type TileFetched = z.infer<typeof TileFetched>
