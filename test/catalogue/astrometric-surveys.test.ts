import { expect, test } from 'vitest'
import { readPublished } from '#shared/catalogue/import.ts'
import type { SurveyId } from '#shared/catalogue/reference.ts'
import { propagate } from '#shared/sky/epoch.ts'

/** A row in the columns of each catalogue's VizieR table, and what it says: place at an epoch, error, motion. */
const rows: [SurveyId, string, string, { epoch: number; errMas: number; mag: [string, number] }][] = [
  [
    'gaia_dr2',
    'RA_ICRS,e_RA_ICRS,DE_ICRS,e_DE_ICRS,Source,Plx,pmRA,e_pmRA,pmDE,Dup,Gmag,e_Gmag',
    '120.5,0.04,30.25,0.03,876543210987654321,2.5,100,0.1,-50,0,14.2,0.001',
    { epoch: 2015.5, errMas: 0.04, mag: ['G', 14.2] },
  ],
  [
    'urat1',
    'URAT1,RAJ2000,DEJ2000,sigs,sigm,nst,Epoch,f.mag,e_f.mag,pmRA,pmDE,e_pm',
    '602-123456,120.5,30.25,9,12,20,2013.254,14.2,0.02,100,-50,6.1',
    { epoch: 2013.254, errMas: 12, mag: ['URAT', 14.2] },
  ],
  [
    'ucac4',
    'UCAC4,RAJ2000,DEJ2000,ePos,e_RAJ2000,e_DEJ2000,EpRA,EpDE,f.mag,a.mag,of,db,pmRA,pmDE,e_pmRA',
    '602-012345,120.5,30.25,20,17,18,1998.6,1999.1,14.2,14.3,0,0,100,-50,3',
    { epoch: 2000, errMas: 17, mag: ['UCAC', 14.2] },
  ],
  [
    'usnob1',
    'USNO-B1.0,RAJ2000,DEJ2000,e_RAJ2000,e_DEJ2000,Epoch,pmRA,pmDE,e_pmRA,Ndet,B2mag,R2mag',
    '1202-0123456,120.5,30.25,60,70,1978.3,100,-50,4,5,15.4,14.2',
    { epoch: 2000, errMas: 60, mag: ['R2', 14.2] },
  ],
]

test.each(rows)('%s is read in its published columns, with epoch, error and motion', async (survey, names, row, is) => {
  const stars = await readPublished(new TextEncoder().encode(`${names}\n${row}\n`), survey)
  expect(stars.count).toBe(1)
  expect(stars.epochYear[0]).toBe(is.epoch)
  expect(stars.raErrMas[0]).toBe(is.errMas)
  expect(stars.mag[is.mag[0]][0]).toBe(is.mag[1])
  expect(stars.clean[0]).toBe(1)
  // fifty mas a year southwards since the epoch of the position
  const { decDeg } = propagate({ ...stars, parallaxMas: new Float64Array(1) }, 2024)
  expect((decDeg[0] - 30.25) * 3.6e6).toBeCloseTo(-50 * (2024 - is.epoch), 1)
})
