/**
 * The tables of the docs that are written from code, so that they cannot drift: `node docs/tables.ts` rewrites them,
 * a test holds them.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Survey } from '#shared/catalogue/survey.ts'
import { surveys } from '#shared/catalogue/surveys/index.ts'
import { type ErrorPolicy, errors } from '#shared/errors.ts'
import { flags } from '#shared/flags.ts'

const kinds = { reject: 'rejected', retry: 'tried again with growing pauses, then failed', fail: 'failed' } as const

/** Each table by the file that holds it and the heading it stands under, at the end of its section. */
export const tables: { file: string; heading: string; rows(): string[] }[] = [
  {
    file: 'observers.md',
    heading: '## Reasons of a rejection',
    rows: () => [
      '| error | what it tells |',
      '|---|---|',
      ...all().flatMap(([name, row]) => (row.policy === 'reject' ? [`| \`${name}\` | ${row.tells} |`] : [])),
    ],
  },
  {
    file: 'observers.md',
    heading: '## Quality flags',
    rows: () => [
      '| bit | flag | meaning |',
      '|---|---|---|',
      ...Object.entries(flags).map(([name, { bit, tells }]) => `| ${bit} | \`${name}\` | ${tells} |`),
    ],
  },
  {
    file: 'operators.md',
    heading: '## Errors',
    rows: () => [
      '| error | thrown by | the frame is | what it tells |',
      '|---|---|---|---|',
      ...all().map(([name, row]) => `| \`${name}\` | ${row.stages.join(', ')} | ${kinds[row.policy]} | ${row.tells} |`),
    ],
  },
  {
    file: 'catalogues.md',
    heading: '## What is used of each survey',
    rows: () => [
      '| id | survey | bands | epoch | main band | declination | fetched from |',
      '|---|---|---|---|---|---|---|',
      ...Object.values(surveys).map(surveyRow),
    ],
  },
]

function surveyRow({ id, title, bands, mainBand, epochYear, declination, upstreams = [] }: Survey): string {
  const named = Object.entries(bands).map(([name, { system }]) => `${name} ${system}`)
  const { bright, faint } = bands[mainBand]
  const services = upstreams.map(({ service }) => service).join(', ') || 'import it'
  const cells = [`\`${id}\``, title, named.join(', '), epochYear, `${mainBand} ${bright} to ${faint}`]
  return `| ${[...cells, `${declination[0]}° to ${declination[1]}°`, services].join(' | ')} |`
}

function all(): [string, ErrorPolicy][] {
  return Object.entries(errors)
}

/** The text of a page with its tables written anew. @throws {Error} a heading is missing */
export function withTables(file: string, text: string): string {
  for (const table of tables.filter(table => table.file === file)) {
    const start = text.indexOf(`${table.heading}\n`)
    if (start < 0) throw new Error(`${file} has no heading "${table.heading}"`)
    const bar = text.indexOf('\n| ', start)
    const next = text.indexOf('\n## ', start + 1)
    const end = next < 0 ? text.length : next
    const stop = bar >= 0 && bar < end ? bar : end
    text = `${text.slice(0, stop).trimEnd()}\n\n${table.rows().join('\n')}\n${text.slice(end)}`
  }
  return text
}

if (import.meta.main) {
  for (const file of new Set(tables.map(table => table.file))) {
    const path = join(import.meta.dirname, file)
    writeFileSync(path, withTables(file, readFileSync(path, 'utf8')))
  }
}
