import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { indexSurvey } from '#shared/astrometry/index-survey.ts'
import { parseProperties, readHatsProperties, readPartitions } from '#shared/catalogue/hats.ts'
import { type ImportSummary, importStars, readPublished } from '#shared/catalogue/import.ts'
import type { SurveyId } from '#shared/catalogue/reference.ts'
import { isSurveyId, surveyIds, surveys } from '#shared/catalogue/surveys/index.ts'
import { FolderStore } from '#shared/folder-store.ts'
import { UsageError } from './usage.ts'

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
  progress: ImportProgress = () => {},
): Promise<number> {
  if (!isSurveyId(survey)) throw new UsageError(`unknown survey ${survey}: known are ${surveyIds.join(', ')}`)
  let stars = 0
  for (const file of files) {
    const summary = await importFile(survey, file, directory)
    progress(
      `${file}: ${summary.read} stars read, ${summary.replaced} of them known before; ${survey} now has ${summary.total}`,
    )
    stars += summary.read
  }
  return stars
}

async function importFile(survey: SurveyId, file: string, directory: string): Promise<ImportSummary> {
  try {
    const stars = await readPublished(await readFile(file), survey)
    const summary = await importStars(new FolderStore(directory), '', stars)
    for (const key of summary.superseded) await rm(join(directory, ...key.split('/')), { force: true })
    return summary
  } catch (error) {
    throw new UsageError(`${file} cannot be imported as ${survey}: ${error instanceof Error ? error.message : error}`)
  }
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

/** The catalogues in a folder, one line each: survey, stars, leaves, title. */
export async function listTiles(directory: string): Promise<string> {
  const store = new FolderStore(directory)
  const lines: string[] = []
  for (const survey of surveyIds) {
    const found = await readHatsProperties(store, `${survey}/`)
    if (!found) continue
    const stars = parseProperties(found.text).get('hats_nrows') ?? '?'
    const leaves = (await readPartitions(store, found.prefix)).length
    lines.push(`${survey.padEnd(9)} ${stars.padStart(10)} stars in ${leaves} leaves   ${surveys[survey].title}`)
  }
  return lines.length > 0 ? lines.join('\n') : `no catalogue in ${directory}: import one with "cpcs tiles import"`
}
