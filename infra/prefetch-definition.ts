/**
 * The state machine that fetches the tiles of a list of fields before their frames come:
 *
 *     List ─▶ Fetch (for each missing tile, few at once) ─▶ Index ─▶ AllFetched? ─▶ Done
 *                  FetchTile ─▶ NotFetched                                └──────▶ SomeMissing (fails)
 *
 * A tile that cannot be fetched holds up no other: it is tried again, then told of at the end.
 */
import { type Definition, lambdaRetry, outsideRetry } from './definition.ts'
import { handlers } from './handlers.ts'

/** Tiles that are fetched at once: archives are shared by many. */
const AT_ONCE = 2
const LONGEST_RUN_SECONDS = 24 * 3600

/** The definition of the machine. @param arn of the function that does its steps */
export function prefetchDefinition(arn: string): Definition {
  const step = (input: Record<string, unknown>) => ({
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Parameters: { FunctionName: arn, Payload: { 'execution.$': '$$.Execution.Name', input } },
    OutputPath: '$.Payload',
    TimeoutSeconds: handlers.prefetch.timeoutSeconds + 30,
    // reading tiles, and all that a stage needs of the store
    Retry: [...lambdaRetry, ...outsideRetry('solve')],
  })
  return {
    Comment: 'Tiles of the fields of fields.json, fetched before they are needed',
    StartAt: 'List',
    TimeoutSeconds: LONGEST_RUN_SECONDS,
    States: {
      List: { ...step({ step: 'list' }), Next: 'Fetch' },
      Fetch: {
        Type: 'Map',
        ItemsPath: '$.items',
        MaxConcurrency: AT_ONCE,
        ResultPath: '$.results',
        ItemProcessor: {
          ProcessorConfig: { Mode: 'INLINE' },
          StartAt: 'FetchTile',
          States: {
            FetchTile: {
              ...step({ step: 'fetch', 'tile.$': '$' }),
              Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'NotFetched' }],
              End: true,
            },
            NotFetched: {
              Type: 'Pass',
              Parameters: {
                'survey.$': '$.survey',
                'cell.$': '$.cell',
                fetched: false,
                'reason.$': '$.error.Error',
              },
              End: true,
            },
          },
        },
        Next: 'Index',
      },
      Index: { ...step({ step: 'index', 'results.$': '$.results' }), Next: 'AllFetched' },
      AllFetched: {
        Type: 'Choice',
        Choices: [{ Variable: '$.failed', NumericGreaterThan: 0, Next: 'SomeMissing' }],
        Default: 'Done',
      },
      Done: { Type: 'Succeed' },
      SomeMissing: { Type: 'Fail', Error: 'TilesUnavailable', CausePath: '$.reason' },
    },
  }
}
