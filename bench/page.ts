import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'

/** The page of all measured figures. Each measurement owns a section of it and leaves the others alone. */
export const resultsFile = join(import.meta.dirname, 'RESULTS.md')

/** The processor and the Node that a measurement ran on, in words. */
export function machineInWords(): string {
  return `${cpus().length} cores (${cpus()[0].model.trim()}), Node ${process.version}`
}

/**
 * Write one measurement's section of the page, in place of what it said before; a new section comes last.
 *
 * @param name of the section, unique on the page
 * @param lines Markdown, beginning with the section's heading
 */
export function writeSection(name: string, lines: string[], file = resultsFile): void {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`]
  const section = [begin, '', ...lines, '', end].join('\n')
  const page = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  const next =
    from < 0 ? `${page.trimEnd()}\n\n${section}\n` : page.slice(0, from) + section + page.slice(to + end.length)
  writeFileSync(file, next)
}

/** A Markdown table of a head and rows of cells. */
export function table(head: string[], body: string[][]): string[] {
  return [head, head.map(() => '---'), ...body].map(cells => `| ${cells.join(' | ')} |`)
}

/** A figure with so many decimals; a dash where there is none. */
export function figure(value: number | null | undefined, digits: number): string {
  return value === undefined || value === null || !Number.isFinite(value) ? '-' : value.toFixed(digits)
}
