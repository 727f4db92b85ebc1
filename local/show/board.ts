import type { FrameRow } from '#shared/lightcurve/frames.ts'
import { STAGES } from './inbox.ts'

const SIGNS: Record<string, string> = {
  calibrated: '●',
  limit: '▽',
  uncalibrated: '○',
  rejected: '✕',
  failed: '!',
  duplicate: '=',
}
// Green, blue, yellow, yellow, red, grey: the words say the same.
const COLOURS: Record<string, number> = {
  calibrated: 32,
  limit: 36,
  uncalibrated: 33,
  rejected: 33,
  failed: 31,
  duplicate: 90,
}

interface Line {
  title: string
  stage: string
}

/**
 * What frames do, for people at a terminal: a line per frame under way that shows its stage, and a line that stays when
 * it has ended. Where the output is no terminal, only the lines that stay.
 */
export class Board {
  readonly #out: NodeJS.WriteStream
  readonly #live: boolean
  readonly #working: Line[] = []
  #drawn = 0

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out
    this.#live = out.isTTY === true
  }

  /** A line that stays. */
  say(text = ''): void {
    this.#clear()
    this.#out.write(`${text}\n`)
    this.#draw()
  }

  /** A frame sets out. @returns what to call when it enters a stage, and when it has ended */
  frame(title: string): { entered: (stage: string) => void; ended: (row: FrameRow, words: string) => void } {
    const line: Line = { title, stage: '' }
    this.#working.push(line)
    this.#redraw()
    return {
      entered: stage => {
        if (!isStage(stage)) return // choices and ends pass in no time
        line.stage = stage
        this.#redraw()
      },
      ended: (row, words) => {
        this.#clear()
        this.#working.splice(this.#working.indexOf(line), 1)
        this.#out.write(`${this.#finished(title, row, words)}\n`)
        this.#draw()
      },
    }
  }

  /** Text in bold, where that can be shown. */
  bold(text: string): string {
    return this.#live ? `\x1b[1m${text}\x1b[0m` : text
  }

  #finished(title: string, row: FrameRow, words: string): string {
    const outcome = row.outcome ?? 'failed'
    const text = `${SIGNS[outcome]} ${outcome}`.padEnd(13)
    const coloured = this.#live ? `\x1b[${COLOURS[outcome]}m${text}\x1b[0m` : text
    return `  ${coloured} ${title}  ${secondsOf(row).padEnd(27)} ${words}`
  }

  #redraw(): void {
    this.#clear()
    this.#draw()
  }

  #clear(): void {
    if (this.#drawn > 0) this.#out.write(`\x1b[${this.#drawn}A\x1b[0J`)
    this.#drawn = 0
  }

  #draw(): void {
    if (!this.#live) return
    for (const { title, stage } of this.#working) {
      const text = `  … ${' '.repeat(12)}${title}  ${wayTo(stage)}`
      this.#out.write(`\x1b[90m${text.slice(0, (this.#out.columns || 100) - 1)}\x1b[0m\n`)
    }
    this.#drawn = this.#working.length
  }
}

function isStage(state: string): boolean {
  return (STAGES as readonly string[]).includes(state)
}

/** 'standardise ✓ solve ✓ measure …' */
function wayTo(state: string): string {
  const place = (STAGES as readonly string[]).indexOf(state)
  if (place < 0) return 'in the inbox'
  return STAGES.slice(0, place + 1)
    .map((stage, k) => `${stage.toLowerCase()} ${k < place ? '✓' : '…'}`)
    .join(' ')
}

/** Seconds of the four working stages, '0.2 + 0.7 + 1.1 + 0.3 s'. */
function secondsOf(row: FrameRow): string {
  const seconds = [row.standardiseSeconds, row.solveSeconds, row.measureSeconds, row.calibrateSeconds]
  const done = seconds.filter(value => value !== undefined)
  return done.length > 0 ? `${done.map(value => value.toFixed(1)).join(' + ')} s` : ''
}
