import { needed, surveyNamed, type Values } from './options.ts'
import { parseCone } from './places.ts'
import { fetchTiles, importTiles, indexTiles, listTiles, marginTiles, verifyTiles } from './tiles.ts'
import { EXIT, UsageError } from './usage.ts'

/** `cpcs tiles ACTION …`; what it tells goes to the console. @returns the exit status */
export async function tiles([action, survey, ...files]: string[], values: Values): Promise<number> {
  const directory = needed(values.catalogues, 'catalogues')
  if (action === 'list') {
    console.log(await listTiles(directory))
    return EXIT.done
  }
  if (!['import', 'fetch', 'index', 'margin', 'verify'].includes(action))
    throw new UsageError(
      `"cpcs tiles ${action ?? ''}": write "cpcs tiles import SURVEY FILE…", "fetch SURVEY", "index SURVEY", "margin SURVEY", "verify [SURVEY]" or "list"`,
    )
  const known = await surveyNamed(survey)
  if (action === 'verify') {
    const { text, sound } = await verifyTiles(directory, known)
    console.log(text)
    return sound ? EXIT.done : EXIT.defect
  }
  if (action === 'fetch') {
    if (known === undefined || files.length > 0 || values.cone === undefined)
      throw new UsageError('"cpcs tiles fetch": write SURVEY --cone "RA DEC RADIUS"')
    console.log(await fetchTiles(known, parseCone(values.cone), directory, values.from))
    return EXIT.done
  }
  if (action === 'margin') {
    const arcsec = Number(values.arcsec ?? 10)
    if (known === undefined || !(arcsec > 0 && arcsec <= 3600))
      throw new UsageError('"cpcs tiles margin": write SURVEY [--arcsec 10], 3600 at most')
    console.log(await marginTiles(known, directory, arcsec))
    return EXIT.done
  }
  if (action === 'index') {
    if (known === undefined || files.length > 0) throw new UsageError('"cpcs tiles index": write SURVEY')
    const bytes = await indexTiles(known, directory, message => console.error(message))
    console.log(`${known}: an index of ${(bytes / 1e6).toFixed(1)} MB is in ${directory}`)
    return EXIT.done
  }
  if (known === undefined || files.length === 0) throw new UsageError('"cpcs tiles import": write SURVEY FILE…')
  const rows = await importTiles(known, files, directory, message => console.error(message))
  console.log(`${known}: ${rows} stars imported into ${directory}`)
  return EXIT.done
}
