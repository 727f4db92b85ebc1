import { readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { indexSurvey } from '#shared/astrometry/index-survey.ts'
import { fetchFromServices } from '#shared/catalogue/fetch-cell.ts'
import {
  cellsToFetch,
  FETCH_ORDER,
  FetchedTiles,
  fetchedPrefix,
  indexFetched,
} from '#shared/catalogue/fetched-tiles.ts'
import { overlap, readHatsProperties } from '#shared/catalogue/hats.ts'
import { openHats } from '#shared/catalogue/hats-catalogue.ts'
import { type ImportSummary, importChunks, readPublishedChunks } from '#shared/catalogue/import.ts'
import { writeMargin } from '#shared/catalogue/margin.ts'
import type { Cone, SurveyId } from '#shared/catalogue/reference.ts'
import { isSurveyId, surveyIds, surveys } from '#shared/catalogue/surveys/index.ts'
import { hats } from '#shared/catalogue/upstreams.ts'
import { verifyCatalogue } from '#shared/catalogue/verify.ts'
import { CpcsError } from '#shared/errors.ts'
import { FolderStore } from '#shared/folder-store.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { progressLine } from './progress.ts'
import { notUsable, UsageError } from './usage.ts'

/** What an import says while it works: one line per file. */
export type ImportProgress = (line: string) => void

/**
 * Import tables as published (CSV, ECSV, VOTable, FITS table, Parquet; gzipped or not) as tiles of a survey.
 *
 * @param survey id of the survey, as in `shared/catalogue/surveys/`
 * @param directory folder of all catalogues; the survey's is made below it
 * @returns number of stars read from all files
 * @throws {UsageError} unknown survey, unreadable file, or a file without the survey's columns; names the file
 */
export async function importTiles(
  survey: string,
  files: string[],
  directory: string,
  say: ImportProgress = () => {},
): Promise<number> {
  if (!isSurveyId(survey)) throw new UsageError(`unknown survey ${survey}: known are ${surveyIds.join(', ')}`)
  let stars = 0
  for (const file of files) {
    const { read, replaced, leftOut, words, total } = await importFile(survey, file, directory)
    const without = leftOut > 0 ? `, ${leftOut} rows without a position left out` : ''
    say(`${file}: ${read} stars read, ${replaced} of them known before${without}; ${survey} now has ${total}`)
    for (const [column, count] of words) say(`${file}: ${count} values of ${column} are no numbers: taken as missing`)
    stars += read
  }
  return stars
}

async function importFile(
  survey: SurveyId,
  file: string,
  directory: string,
): Promise<ImportSummary & { leftOut: number; words: Map<string, number> }> {
  const progress = progressLine()
  try {
    const found = await stat(file).catch(() => undefined)
    if (!found?.isFile()) throw new Error(found ? 'it is no file' : 'there is no such file')
    let leftOut = 0
    const words = new Map<string, number>()
    const chunks = readPublishedChunks(new FolderStore(dirname(file)), basename(file), survey, passedOver => {
      leftOut += passedOver.rows
      for (const [column, count] of passedOver.words) words.set(column, (words.get(column) ?? 0) + count)
    })
    const add = () =>
      importChunks(new FolderStore(directory), '', survey, chunks, (done, all) =>
        progress.show(all === undefined ? `${file}: ${done} stars read` : `${file}: ${done} of ${all} cells written`),
      )
    // two at once would each write a list of leaves without the other's
    const summary = await oneAtATime(join(directory, `.${survey}.importing`), add, holder =>
      progress.show(`${survey} is being imported by ${holder}: waiting`),
    )
    for (const key of summary.superseded) await rm(join(directory, ...key.split('/')), { force: true })
    return { ...summary, leftOut, words }
  } catch (error) {
    throw new UsageError(`${file} cannot be imported as ${survey}: ${error instanceof Error ? error.message : error}`)
  } finally {
    progress.end()
  }
}

/**
 * Fetch the tiles of a survey that a cone touches and that are not held yet, from the services that the survey's
 * description names, and write the index by which other HATS readers find them.
 *
 * @param from a HATS catalogue to take them from instead: https://…, s3://BUCKET/PREFIX or a folder
 * @returns a sentence for people
 * @throws {UsageError} the survey is held by no service
 * @throws {CpcsError} TilesUnavailable, UpstreamChanged; what was fetched before stays
 */
export async function fetchTiles(survey: SurveyId, cone: Cone, directory: string, from?: string): Promise<string> {
  if (!from && !surveys[survey].upstreams?.length)
    throw new UsageError(`no service is known that holds ${survey}: import it, or name a HATS catalogue with --from`)
  const store = new FolderStore(directory)
  const cell = fetchFromServices(from ? { upstreamsOf: () => [hats(from, from)] } : {})
  const tiles = new FetchedTiles(store, '', cell)
  const imported = await openHats(store, `${survey}/`)
  const touched = cellsToFetch(survey, cone)
  const wanted = touched.filter(cell => !imported?.partitions.some(leaf => overlap(leaf, { order: FETCH_ORDER, cell })))
  const progress = progressLine()
  let held = 0
  let fetched = 0
  try {
    for (const [i, cell] of wanted.entries()) {
      progress.show(`${survey}: tile ${i + 1} of ${wanted.length}`)
      if (await tiles.holds(survey, cell)) held++
      else if (await tiles.ensure(survey, cell)) fetched++
    }
  } finally {
    progress.end()
    await indexFetched(store, '', survey)
  }
  const beside = touched.length - wanted.length
  const parts = [`${fetched} fetched`, `${held} held before`]
  if (beside > 0) parts.push(`${beside} lie in the imported catalogue, which goes first`)
  return `${survey}: ${touched.length} tiles touch the cone: ${parts.join(', ')}`
}

/**
 * Write the margin catalogue of an imported one.
 *
 * @param arcsec how far outside of a leaf its stars may lie
 * @returns a sentence for people
 * @throws {UsageError} the catalogue was not imported
 */
export async function marginTiles(survey: SurveyId, directory: string, arcsec: number): Promise<string> {
  const written = await writeMargin(new FolderStore(directory), '', survey, arcsec).catch((error: Error) => {
    throw error instanceof CpcsError ? error : new UsageError(error.message)
  })
  const rows = written.partitions.reduce((sum, { rows = 0 }) => sum + rows, 0)
  return `${written.prefix}: ${rows} stars beside ${written.partitions.length} leaves`
}

/**
 * Check the catalogues in a folder, imported and fetched, against themselves.
 *
 * @param survey all surveys where it is not given
 * @returns lines for people, and whether all is well
 * @throws {UsageError} there is no such catalogue
 */
export async function verifyTiles(directory: string, survey?: SurveyId): Promise<{ text: string; sound: boolean }> {
  const store = new FolderStore(directory)
  const progress = progressLine()
  const lines: string[] = []
  let sound = true
  for (const id of survey ? [survey] : surveyIds)
    for (const prefix of [`${id}/`, fetchedPrefix('', id)]) {
      const tell = (done: number, all: number) => progress.show(`${prefix} leaf ${done} of ${all}`)
      const found = await verifyCatalogue(store, prefix, tell, id)
      progress.end()
      if (!found) continue
      const { leaves, rows, faults } = found
      sound &&= faults.length === 0
      lines.push(
        `${prefix} ${rows} stars in ${leaves} leaves: ${faults.length === 0 ? 'sound' : `${faults.length} faults`}`,
      )
      for (const fault of faults) lines.push(`  ${fault}`)
    }
  if (lines.length === 0) throw new UsageError(`no catalogue ${survey ? `${survey} ` : ''}in ${directory}`)
  return { text: lines.join('\n'), sound }
}

/**
 * Build the index of quads by which frames of unknown place are found, beside the tiles of an imported catalogue.
 *
 * @returns bytes written
 * @throws {UsageError} the catalogue was not imported
 */
export async function indexTiles(survey: SurveyId, directory: string, progress: ImportProgress): Promise<number> {
  const store = new FolderStore(directory)
  if (!(await readHatsProperties(store, `${survey}/`)))
    throw new UsageError(`no catalogue ${survey} in ${directory}: import it with "cpcs tiles import ${survey} FILE…"`)
  const bands = await indexSurvey(store, survey, ({ order, stars, quads, bytes }) =>
    progress(`order ${order}: ${stars} stars, ${quads} quads, ${(bytes / 1e6).toFixed(1)} MB`),
  )
  return bands.reduce((sum, band) => sum + band.bytes, 0)
}

/**
 * The catalogues in a folder, one line each: survey, stars, leaves, title; fetched tiles on lines of their own.
 *
 * @throws {UsageError} there is no such folder
 */
export async function listTiles(directory: string): Promise<string> {
  await readdir(directory).catch(notUsable(directory, 'is no folder of catalogues'))
  const store = new FolderStore(directory)
  const lines: string[] = []
  for (const survey of surveyIds)
    for (const [prefix, how] of [
      [`${survey}/`, 'imported'],
      [fetchedPrefix('', survey), 'fetched'],
    ]) {
      const catalogue = await openHats(store, prefix)
      if (!catalogue) continue
      const stars = catalogue.properties.get('hats_nrows') ?? '?'
      const leaves = String(catalogue.partitions.length)
      lines.push(
        `${survey.padEnd(13)} ${how.padEnd(8)} ${stars.padStart(10)} stars in ${leaves.padStart(5)} leaves   ${surveys[survey].title}`,
      )
    }
  return lines.length > 0 ? lines.join('\n') : `no catalogue in ${directory}: import one with "cpcs tiles import"`
}
