import { SolveInput, SolveOutput } from '#events/stages.ts'
import { stageHandler } from '#shared/aws/stage-handler.ts'
import { solve } from './solve.ts'

export const handler = stageHandler(
  { stage: 'solve', input: SolveInput, output: SolveOutput },
  (input, { store, tiles, targets, frames, quads, log }) =>
    solve(input, {
      ...{ store, tiles, targets, quads, log },
      lastSolution: (telescope, night) => frames.lastSolution(telescope, night),
    }),
)
