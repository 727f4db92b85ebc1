import { describe, expect, test } from 'vitest'
import { dialectOf } from '#functions/standardise/dialects/known-dialects.ts'
import { readProfile } from '#functions/standardise/profile.ts'
import { translate } from '#functions/standardise/translate.ts'
import { Header, parseCard } from '#shared/fits/header.ts'
import { mjdFromIso } from '#shared/sky/time.ts'

/** The standard header of cards as they stand in a file; a line without '=' is a keyword with its value behind. */
const translated = (lines: string, profile?: unknown) =>
  translate(
    new Header(
      lines
        .trim()
        .split('\n')
        .map(line => parseCard(line.trim().padEnd(80))),
    ),
    512,
    512,
    readProfile(profile),
  )

const start = '2023-09-27T00:10:22'
const jdStart = 2_460_214.5 + 622 / 86_400
const mid = mjdFromIso(start) + 60 / 86_400

// Spellings of one exposure of 120 s from 2023-09-27 00:10:22 UTC. Sources: manuals of the programs named, headers of the
// archives named, and the time readers of VaST and STDPipe, whose lists of keywords these are.
const times: [source: string, lines: string, from: string][] = [
  ['FITS 4.0', `DATE-OBS= '2023-09-27T00:10:22'`, 'DATE-OBS'],
  ['FITS 4.0, decimals', `DATE-OBS= '2023-09-27T00:10:22.000'`, 'DATE-OBS'],
  ['INDI before 2019: trailing Z', `DATE-OBS= '2023-09-27T00:10:22Z'`, 'DATE-OBS'],
  ['a blank for the T', `DATE-OBS= '2023-09-27 00:10:22'`, 'DATE-OBS'],
  ['dashes in the time', `DATE-OBS= '2023-09-27T00-10-22'`, 'DATE-OBS'],
  ['slashes', `DATE-OBS= '2023/09/27T00:10:22'`, 'DATE-OBS'],
  ['without quotes', 'DATE-OBS= 2023-09-27T00:10:22 / start', 'DATE-OBS'],
  ['lower-case keyword', `date-obs= '2023-09-27T00:10:22'`, 'DATE-OBS'],
  ['zone behind', `DATE-OBS= '2023-09-26T17:10:22-0700'`, 'DATE-OBS'],
  ['ACP: TIME-OBS', `DATE-OBS= '2023-09-27'\nTIME-OBS= '00:10:22'`, 'DATE-OBS, TIME-OBS'],
  ['IRAF: UT', `DATE-OBS= '2023-09-27'\nUT      = '00:10:22.0'`, 'DATE-OBS, UT'],
  ['before 1999: dd/mm, with UT', `DATE-OBS= '27/09/2023'\nUT      = '00:10:22'`, 'DATE-OBS, UT'],
  ['day first with dots', `DATE-OBS= '27.09.2023'\nTIME-OBS= '00:10:22'`, 'DATE-OBS, TIME-OBS'],
  ['UT-START', `DATE-OBS= '2023-09-27'\nUT-START= '00:10:22'`, 'DATE-OBS, UT-START'],
  ['LCO: UTSTART', `DATE-OBS= '2023-09-27'\nUTSTART = '00:10:22.000'`, 'DATE-OBS, UTSTART'],
  ['EXP-STRT', `DATE-OBS= '2023-09-27'\nEXP-STRT= '00:10:22'`, 'DATE-OBS, EXP-STRT'],
  ['UTC-OBS', `DATE-OBS= '2023-09-27'\nUTC-OBS = '00:10:22'`, 'DATE-OBS, UTC-OBS'],
  ['DATE_OBS', `DATE_OBS= '2023-09-27T00:10:22'`, 'DATE_OBS'],
  ['DATE-BEG, FITS 4.0', `DATE-BEG= '2023-09-27T00:10:22'`, 'DATE-BEG'],
  ['DATE-AVG, FITS 4.0', `DATE-AVG= '2023-09-27T00:11:22'`, 'DATE-AVG'],
  ['DATETIME', `DATETIME= '2023-09-27T00:10:22'`, 'DATETIME'],
  ['OBSDATE', `OBSDATE = '2023-09-27T00:10:22'`, 'OBSDATE'],
  ['MJD-OBS', `MJD-OBS = ${jdStart - 2_400_000.5}`, 'MJD-OBS'],
  ['MJD_OBS', `MJD_OBS = ${jdStart - 2_400_000.5}`, 'MJD_OBS'],
  ['MJD-OBS that holds a JD', `MJD-OBS = ${jdStart}`, 'MJD-OBS'],
  ['JD', `JD      = ${jdStart}`, 'JD'],
  ['JD as text', `JD      = '${jdStart}'`, 'JD'],
  ['JDMID', `JDMID   = ${jdStart + 60 / 86_400}`, 'JDMID'],
  ['MIDTIMJD', `MIDTIMJD= ${jdStart + 60 / 86_400}`, 'MIDTIMJD'],
  ['seconds since 1970', 'OBSDATE = 1695773422', 'OBSDATE'],
  ['ZTF: SHUTOPEN before DATE-OBS', `SHUTOPEN= '2023-09-27T00:10:22'\nDATE-OBS= '2023-09-27T00:10:20'`, 'SHUTOPEN'],
  ['TIMESYS TT', `DATE-OBS= '2023-09-27T00:11:31.184'\nTIMESYS = 'TT'`, 'DATE-OBS'],
  ['TIMESYS TAI', `DATE-OBS= '2023-09-27T00:10:59'\nTIMESYS = 'TAI'`, 'DATE-OBS'],
  [
    'Siril: EXPSTART and EXPEND',
    `PROGRAM = 'Siril 1.2'\nEXPSTART= ${jdStart}\nEXPEND  = ${jdStart + 120 / 86_400}`,
    'EXPSTART, EXPEND',
  ],
  [
    'N.I.N.A.: local clock beside',
    `SWCREATE= 'N.I.N.A. 3.1'\nDATE-LOC= '2023-09-27T02:10:22'\nDATE-OBS= '2023-09-27T00:10:22'`,
    'DATE-OBS',
  ],
  [
    'SGP: time of writing beside',
    `SWCREATE= 'Sequence Generator Pro'\nDATE-LOC= '2023-09-26T19:13:00'\nDATE-OBS= '2023-09-27T00:10:22'`,
    'DATE-OBS',
  ],
  ['EROS 2: already the middle', `TU-START= '00:10:22'\nDATE-OBS= '2023-09-27T00:11:22'`, 'DATE-OBS'],
  [
    'TESS: days since a zero, TDB',
    `TJD_ZERO= 2457000.0\nMIDTJD  = ${jdStart + (60 + 69.184) / 86_400 - 2_457_000}`,
    'MIDTJD, TJD_ZERO',
  ],
  ['SDSS: TAI in seconds', `ORIGIN  = 'SDSS'\nTAI     = ${(jdStart - 2_400_000.5) * 86_400 + 37}`, 'TAI'],
  [
    'TESS: UTC in spite of TIMESYS',
    `TELESCOP= 'TESS'\nTIMESYS = 'TDB'\nDATE-OBS= '2023-09-27T00:10:22Z'\nDATE-END= '2023-09-27T00:12:22Z'`,
    'DATE-OBS, DATE-END',
  ],
  [
    'AstroImageJ: JD_UTC is the middle',
    `JD_SOBS = ${jdStart}\nJD_UTC  = ${jdStart + 60 / 86_400}\nBJD_TDB = ${jdStart + 0.003}`,
    'JD_UTC',
  ],
]

describe('the middle of the exposure', () => {
  test.each(times)('%s', (_, lines, from) => {
    const { header, provenance } = translated(`${lines}\nEXPTIME = 120`)
    expect(Math.abs(header.mjdUtcMid - mid) * 86_400).toBeLessThan(0.01)
    expect(provenance.mjdUtcMid.from).toBe(from)
    expect(provenance.mjdUtcMid.conflict).toBeUndefined()
  })
})

const time = `DATE-OBS= '${start}'`

// Everything else: what is written, the field it fills, the value it must give.
const values: [source: string, lines: string, field: string, value: unknown][] = [
  ['exposure in ms', 'EXPTIME = 120000 / Exposure time [ms]', 'exposureSeconds', 120],
  ['exposure in minutes', 'EXPTIME = 2 / minutes', 'exposureSeconds', 120],
  ['exposure in days (TESS)', 'EXPOSURE= 0.0164930556 / [d] time on source', 'exposureSeconds', 1425],
  ['exposure with its unit', `EXPTIME = '30 s'`, 'exposureSeconds', 30],
  ['exposure with a comma', `EXPTIME = '2,5'`, 'exposureSeconds', 2.5],
  ['EXPOSURE', 'EXPOSURE= 45.', 'exposureSeconds', 45],
  ['EXP_TIME', 'EXP_TIME= 45.0', 'exposureSeconds', 45],
  ['FILTER in quotes', `FILTER  = 'g'''`, 'band', 'g'],
  ['MaxIm slot name', `FILTER  = 'Bessell V'`, 'band', 'V'],
  ['CAHA', `INSFLNAM= 'V_JOHN_11'`, 'band', 'V'],
  ['ESO', `ORIGIN  = 'ESO'\nHIERARCH ESO INS FILT1 NAME = 'R_Bes 650_130'`, 'band', 'R'],
  ['DECam', `INSTRUME= 'DECam'\nFILTER  = 'g DECam SDSS c0001 4720.0 1520.0'`, 'band', 'g'],
  ['ZTF', `FILTER  = 'ZTF_r'`, 'band', 'r'],
  ['LCO', `FILTER  = 'rp'`, 'band', 'r'],
  ['two wheels', `FILTER1 = 'Open'\nFILTER2 = 'i_Gunn'`, 'band', 'i'],
  ['Seestar', `CREATOR = 'ZWO Seestar S50'\nFILTER  = 'IRCUT'`, 'band', 'clear'],
  ['H-alpha', `FILTER  = 'H-alpha'`, 'band', 'narrow'],
  ['CCDSUM', `CCDSUM  = '2 2'`, 'binning', [2, 2]],
  ['BINNING', `BINNING = '3x3'`, 'binning', [3, 3]],
  ['XBINNING', 'XBINNING= 2\nYBINNING= 1', 'binning', [2, 1]],
  ['SECPIX', 'SECPIX  = 0.55', 'pixelScaleArcsec', 0.55],
  ['PLTSCALE', 'PLTSCALE= 0.396', 'pixelScaleArcsec', 0.396],
  ['DSS plate', 'PLTSCALE= 67.2 / Plate Scale arcsec per mm\nXPIXELSZ= 25.28445', 'pixelScaleArcsec', 1.699115],
  ['OBJNAME', `OBJNAME = 'M 67'`, 'object', 'M 67'],
  ['ROWORDER', `ROWORDER= 'TOP-DOWN'`, 'rowOrder', 'top-down'],
  ['mosaic shifted by a row', `BAYERPAT= 'RGGB'\nYBAYROFF= 1`, 'bayerPattern', 'GBRG'],
]

const pointings: [source: string, lines: string, raDeg: number, decDeg: number][] = [
  ['OBJCTRA with blanks', `OBJCTRA = '15 04 46.86'\nOBJCTDEC= '-47 14 07.4'`, 226.19525, -47.235389],
  ['LCO with colons', `TELESCOP= '1m0-08'\nRA      = '15:04:46.86'\nDEC     = '-47:14:07.4'`, 226.19525, -47.235389],
  ['degrees', 'RA      = 226.19525\nDEC     = -47.235389', 226.19525, -47.235389],
  ['hours by the comment', 'RA      = 15.07968333 / [h] pointing\nDEC     = -47.235389', 226.19525, -47.235389],
  ['DECam', `INSTRUME= 'DECam'\nTELRA   = '15:04:46.86'\nTELDEC  = '-47:14:07.4'`, 226.19525, -47.235389],
  ['AstroImageJ in hours', `BJD_TDB = 2460214.51\nRAOBJ2K = 15.07968333\nDECOBJ2K= -47.235389`, 226.19525, -47.235389],
  ['a declination of minus zero', `RA      = '00:00:04'\nDEC     = '-00:30:00'`, 0.0166667, -0.5],
]

const detectors: [
  source: string,
  lines: string,
  field: 'gainElectronsPerAdu' | 'readNoiseElectrons' | 'saturationAdu' | 'pedestalAdu',
  value: number | undefined,
][] = [
  ['N.I.N.A. preset', `SWCREATE= 'N.I.N.A.'\nGAIN    = 100\nEGAIN   = 0.25`, 'gainElectronsPerAdu', 0.25],
  ['SharpCap preset', `SWCREATE= 'SharpCap v4.1'\nGAIN    = 2.5`, 'gainElectronsPerAdu', undefined],
  ['APT preset', `SWCREATE= 'Astro Photography Tool - APT v.4'\nGAIN    = 139`, 'gainElectronsPerAdu', undefined],
  ['CCDciel preset', `SWCREATE= 'ccdciel 0.9.83'\nGAIN    = 120`, 'gainElectronsPerAdu', undefined],
  ['ESO CONAD', `ORIGIN  = 'ESO'\nHIERARCH ESO DET OUT1 CONAD = 2.18`, 'gainElectronsPerAdu', 2.18],
  ['ESO GAIN is ADU per electron', `ORIGIN  = 'ESO'\nHIERARCH ESO DET OUT1 GAIN = 0.5`, 'gainElectronsPerAdu', 2],
  ['LCO without a gain', `TELESCOP= '1m0-08'\nGAIN    = 0.0`, 'gainElectronsPerAdu', undefined],
  ['DECam amplifier', `INSTRUME= 'DECam'\nGAINA   = 4.13`, 'gainElectronsPerAdu', 4.13],
  ['Siril: mean of 16', `PROGRAM = 'Siril'\nSTACKCNT= 16\nCVF     = 0.5`, 'gainElectronsPerAdu', 8],
  ['mean of 16, read noise', 'NCOMBINE= 16\nRDNOISE = 3.', 'readNoiseElectrons', 12],
  ['READNOI of ZTF', `INSTRUME= 'ZTF/MOSAIC'\nREADNOI = 9.6`, 'readNoiseElectrons', 9.6],
  ['SATLEVEL unknown', `SATLEVEL= 'Unknown'`, 'saturationAdu', undefined],
  ['MaxIm pedestal', `SWCREATE= 'MaxIm DL Version 6.30'\nPEDESTAL= -100`, 'pedestalAdu', 100],
]

describe('values as programs spell them', () => {
  test.each(values)('%s', (_, lines, field, value) => {
    const { header } = translated(`${time}\n${lines.includes('EXP') ? '' : 'EXPTIME = 120\n'}${lines}`)
    const found = header[field as keyof typeof header]
    if (typeof value === 'number') expect(found).toBeCloseTo(value, 4)
    else expect(found).toEqual(value)
  })

  test.each(pointings)('pointing: %s', (_, lines, raDeg, decDeg) => {
    const { pointing } = translated(`${time}\nEXPTIME = 120\n${lines}`).header
    expect(pointing!.raDeg).toBeCloseTo(raDeg, 4)
    expect(pointing!.decDeg).toBeCloseTo(decDeg, 4)
  })

  test.each(detectors)('detector: %s', (_, lines, field, value) => {
    const found = translated(`${time}\nEXPTIME = 120\n${lines}`).detector[field]?.value
    if (value === undefined) expect(found).toBeUndefined()
    else expect(found).toBeCloseTo(value, 6)
  })
})

const fingerprints: [id: string, line: string][] = [
  ['sharpcap', `SWCREATE= 'SharpCap v4.1.11817.0, 64 bit'`],
  ['sgp', `CREATOR = 'Sequence Generator Pro v4.2.0.1019'`],
  ['theskyx', `SWCREATE= 'TheSkyX Version 10.5.0 Build 12978'\nSBSTDVER= 'SBFITSEXT Version 1.0'`],
  ['maxim', `SBSTDVER= 'SBFITSEXT Version 1.0'`],
  ['apt', `SWCREATE= 'Astro Photography Tool - APT v.4.10'`],
  ['ccdciel', `PROGRAM = 'ccdciel version 0.9.83'`],
  ['siril', `HISTORY Siril 1.2.1: mean stacking`],
  ['astap', `PROGRAM = 'ASTAP'`],
  ['seestar', `CREATOR = 'ZWO Seestar S50'`],
  ['astroimagej', 'BJD_TDB = 2460214.51'],
  ['decam', `INSTRUME= 'DECam'`],
  ['ztf', `INSTRUME= 'ZTF/MOSAIC'`],
  ['sdss', `TELESCOP= '2.5m'`],
  ['tess', `TELESCOP= 'TESS'`],
  ['indi', `COMMENT Generated by INDI`],
  ['lco', `TELESCOP= '0m4-05'`],
  ['eso', `ORIGIN  = 'ESO-PARANAL'`],
  ['eros', `TU-START= '00:10:22'`],
  ['pinpoint', `HISTORY  Solved by PinPoint 6.1`],
  ['acp', `OBSERVER= 'ACP Preview User'`],
  ['nina', `SWCREATE= 'N.I.N.A. 3.1'`],
  ['panoptes', `ORIGIN  = 'Project PANOPTES'`],
  ['microobservatory', `CREATOR = 'MicroObservatory v1.3'`],
  ['seestar', `TELESCOP= 'DWARFIII'`],
]

test.each(fingerprints)('%s is known by its fingerprint', (id, lines) => {
  expect(
    dialectOf(new Header(`${time}\nINSTRUME= 'camera'\n${lines}`.split('\n').toReversed().map(parseCard))).id,
  ).toBe(id)
})

describe('a telescope profile', () => {
  const strange = `UTSHUT  = '2023-09-27T00:12:22'\nT_INT   = 120\nWHEEL   = 'slot 3'\nDATE-OBS= '2023-09-27T00:12:22'`

  test('names keywords that nobody else uses, and what moment the times mean', () => {
    const keywords = { time: 'UTSHUT', exposureSeconds: 'T_INT', filterName: 'WHEEL' }
    const { header } = translated(strange, { keywords, timeStamp: 'end', bands: { 'slot 3': 'V' } })
    expect(header).toMatchObject({ exposureSeconds: 120, band: 'V' })
    expect(Math.abs(header.mjdUtcMid - mid) * 86_400).toBeLessThan(0.01)
  })

  test.each([
    [{ keywords: { gaim: 'X' } }, /keywords/],
    [{ bands: { V: 'visual' } }, /bands\.V/],
    [{ timeStamp: 'begin' }, /timeStamp/],
    [{ site: { latitudeDeg: 95, longitudeEastDeg: 0 } }, /site\.latitudeDeg/],
    [{ gainElectronsPerAdu: -1, readNoiseElectrons: -1 }, /gainElectronsPerAdu.*; readNoiseElectrons/],
  ])('%j is refused with every reason', (profile, words) => {
    expect(() => readProfile(profile)).toThrow(words)
  })
})
