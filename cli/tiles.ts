import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ImportSummary, importStars, readPublished } from '#shared/catalogue/import.ts'
import type { SurveyId } from '#shared/catalogue/reference.ts'
import { isSurveyId, surveyIds } from '#shared/catalogue/surveys/index.ts'
import { FolderStore } from '#shared/folder-store.ts'

/** What an import says while it works: one line per file. */
export type ImportProgress = (line: string) => void

/**
 * Import tables as published (CSV, ECSV, VOTable, FITS table, Parquet; gzipped or not) as tiles of a survey.
 *
 * @param survey id of the survey, as in `shared/catalogue/surveys/`
 * @param directory folder of all catalogues; the survey's is made below it
 * @returns one summary per file
 * @throws {Error} unknown survey, unreadable file, or a file without the survey's columns; names the file
 */
export async function importTiles(
  survey: string,
  files: string[],
  directory: string,
  progress: ImportProgress = () => {},
): Promise<ImportSummary[]> {
  if (!isSurveyId(survey)) throw new Error(`unknown survey ${survey}: known are ${surveyIds.join(', ')}`)
  const summaries: ImportSummary[] = []
  for (const file of files) {
    const summary = await importFile(survey, file, directory)
    progress(
      `${file}: ${summary.read} stars read, ${summary.replaced} of them known before; ${survey} now has ${summary.total}`,
    )
    summaries.push(summary)
  }
  return summaries
}

async function importFile(survey: SurveyId, file: string, directory: string): Promise<ImportSummary> {
  try {
    const stars = await readPublished(await readFile(file), survey)
    const summary = await importStars(new FolderStore(directory), '', stars)
    for (const key of summary.superseded) await rm(join(directory, ...key.split('/')), { force: true })
    return summary
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}
