/** Exit statuses of the command. */
export const EXIT = { done: 0, defect: 1, rejected: 2, usage: 64 } as const

/** Wrong usage of the command: the message says what was found and what is expected; exit status 64. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** What to do about a path that the system refuses: say which, and how it is refused. @throws {UsageError} */
export function notUsable(path: string, how: string): (error: Error) => never {
  return error => {
    throw new UsageError(`${path === '' ? 'an empty path' : path} ${how}: ${error.message}`)
  }
}

export const usage = `cpcs: photometric calibration of astronomical frames

  cpcs process FRAME.fits --catalogues DIR --out DIR [--target "RA DEC [NAME]"]… [--survey S] [--band B] [--inject N] [--forced SURVEY] [--json]
      the whole way: standard header, astrometry, photometry, calibrated catalogue, report.json and pictures;
      --inject puts N stars into the frame and tells in injection.png and report.json whether its limits are true;
      --forced measures every star of the survey at its place, seen or not, in survey-stars.fits
  cpcs header FRAME.fits|https://…|s3://… [--profile FILE] [--json]
      the standard header and where each value came from; of a frame on a web server its headers alone are fetched
  cpcs standardise FRAME.fits --out DIR [--profile FILE] [--colour R|G|B]
      frame.fits with standard header and mask, frame.json; of a colour mosaic the pixels of one colour, green if not told
  cpcs solve FRAME.fits --catalogues DIR --out DIR [--hint "RA DEC RADIUS" | --blind] [--scale "LOW HIGH"] [--survey S]
      where the frame points; --blind forgets what the header says of it and searches the whole sky; --survey names the
      catalogue of positions, in place of the best that is there
  cpcs tiles import SURVEY FILE… --catalogues DIR
      CSV, ECSV, VOTable, FITS table or Parquet in the survey's published column names
  cpcs tiles fetch SURVEY --cone "RA DEC RADIUS" --catalogues DIR [--from HATS]
      the tiles that the cone touches, from public services, or from one HATS catalogue (https://…, s3://… or a folder)
  cpcs tiles margin SURVEY --catalogues DIR [--arcsec 10]
      the margin catalogue that other HATS tools match with: stars just outside of each leaf
  cpcs tiles verify [SURVEY] --catalogues DIR
      whether the catalogues are whole, in order and as they were written
  cpcs tiles index SURVEY --catalogues DIR
      the index of star patterns by which frames of unknown pointing are found
  cpcs tiles list --catalogues DIR
  cpcs push FRAME.fits… [--telescope NAME] [--endpoint URL]
      into the inbox, local or AWS
  cpcs target "RA DEC NAME" [--endpoint URL]
      register a target: it is measured on every frame that covers it
  cpcs lightcurve OBJECT [--format csv|json|votable|parquet|aavso] [--endpoint URL]

RA and DEC are degrees or sexagesimal (RA then in hours), RADIUS degrees, LOW and HIGH arcseconds per pixel.
Exit status: 0 done, 2 the frame was rejected (the reason is in report.json), 64 wrong usage, 1 a defect of ours.
`
