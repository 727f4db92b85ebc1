import type { Survey } from '../survey.ts'
import { apass } from './apass.ts'
import { asas } from './asas.ts'
import { atlasRefcat2 } from './atlas-refcat2.ts'
import { des } from './des.ts'
import { gaiaDr2 } from './gaia-dr2.ts'
import { gaiaDr3 } from './gaia-dr3.ts'
import { gspc } from './gspc.ts'
import { ps1 } from './ps1.ts'
import { sdss } from './sdss.ts'
import { skymapper } from './skymapper.ts'
import { twomass } from './twomass.ts'
import { tycho2 } from './tycho2.ts'
import { ucac4 } from './ucac4.ts'
import { urat1 } from './urat1.ts'
import { usnob1 } from './usnob1.ts'

/** Every survey known, in the order in which they are tried. */
const all = {
  gaia_dr3: gaiaDr3,
  ps1,
  sdss,
  des,
  gspc,
  atlas_refcat2: atlasRefcat2,
  skymapper,
  twomass,
  apass,
  asas,
  tycho2,
  gaia_dr2: gaiaDr2,
  urat1,
  ucac4,
  usnob1,
}

/** Id of a survey. */
export type SurveyId = keyof typeof all

/** Every survey by its id. */
export const surveys: Record<SurveyId, Survey> = all

export const surveyIds = Object.keys(surveys) as SurveyId[]

/** Whether a word names a survey. */
export function isSurveyId(word: string): word is SurveyId {
  return Object.hasOwn(surveys, word)
}
