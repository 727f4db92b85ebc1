import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readPublished } from '#shared/catalogue/import.ts'
import { findColumn } from '#shared/catalogue/published-table.ts'
import { readTables } from '#shared/catalogue/read-tables.ts'
import type { ReferenceStars, SurveyId } from '#shared/catalogue/reference.ts'
import { correctedExcess, excessSigmas } from '#shared/catalogue/surveys/gaia-excess.ts'
import { surveyIds, surveys } from '#shared/catalogue/surveys/index.ts'

const data = join(import.meta.dirname, '..', '..', '..', 'shared', 'data')
const read = (text: string, survey: SurveyId) => readPublished(new TextEncoder().encode(text), survey)

/** What a row says once it is ours: bands as [magnitude, error], positions in degrees, errors in mas, epoch in years. */
interface Says {
  id: string
  place: [number, number]
  epoch: number
  errMas: number
  pm?: [number, number]
  bands: Record<string, [number, number]>
  clean?: 0 | 1
}

/** A row of each survey in each form in which it is published: the columns of science.md §5.3, and values as printed. */
const rows: [SurveyId, form: string, names: string, values: string, Says][] = [
  [
    'gaia_dr3',
    'archive',
    'source_id,ref_epoch,ra,ra_error,dec,dec_error,parallax,pmra,pmra_error,pmdec,ruwe,phot_g_mean_mag,phot_g_mean_flux_over_error,phot_bp_mean_mag,phot_bp_mean_flux_over_error,phot_rp_mean_mag,phot_rp_mean_flux_over_error,phot_variable_flag,duplicated_source',
    '5929246508730155392,2016.0,253.45840143,0.011,-55.5404989,0.009,0.3,-2.95,0.013,-4.5,1.08,14.18208,4773.856,14.98014,500,13.31197,1000,NOT_AVAILABLE,false',
    {
      id: '5929246508730155392',
      place: [253.45840143, -55.5404989],
      epoch: 2016,
      errMas: 0.011,
      pm: [-2.95, -4.5],
      // σ of a magnitude is 2.5 / ln 10 over flux over error
      bands: { G: [14.18208, 1.0857362 / 4773.856], BP: [14.98014, 1.0857362 / 500], RP: [13.31197, 1.0857362 / 1000] },
    },
  ],
  [
    'gaia_dr3',
    'VizieR I/355',
    'Source,RA_ICRS,e_RA_ICRS,DE_ICRS,e_DE_ICRS,Plx,pmRA,e_pmRA,pmDE,RUWE,Gmag,e_Gmag,BPmag,e_BPmag,RPmag,e_RPmag,Dup,VarFlag',
    '5929246508730155392,253.45840143,0.011,-55.5404989,0.009,0.3,-2.95,0.013,-4.5,1.6,14.18208,0.002,14.98,0.003,13.31,0.004,0,NOT_AVAILABLE',
    {
      id: '5929246508730155392',
      place: [253.45840143, -55.5404989],
      epoch: 2016,
      errMas: 0.011,
      pm: [-2.95, -4.5],
      bands: { G: [14.18208, 0.002], BP: [14.98, 0.003], RP: [13.31, 0.004] },
      clean: 0, // its RUWE is that of a double
    },
  ],
  [
    'gaia_dr2',
    'VizieR I/345',
    'Source,RA_ICRS,e_RA_ICRS,DE_ICRS,e_DE_ICRS,Plx,pmRA,e_pmRA,pmDE,Dup,Gmag,e_Gmag,BPmag,e_BPmag,RPmag,e_RPmag',
    '876543210987654321,120.5,0.04,30.25,0.03,2.5,100,0.1,-50,0,14.2,0.001,14.7,0.003,13.5,0.002',
    {
      id: '876543210987654321',
      place: [120.5, 30.25],
      epoch: 2015.5,
      errMas: 0.04,
      pm: [100, -50],
      bands: { G: [14.2, 0.001], BP: [14.7, 0.003], RP: [13.5, 0.002] },
    },
  ],
  [
    'gspc',
    'archive, joined with gaia_source',
    'source_id,ra,dec,pmra,pmdec,phot_g_mean_mag,c_star,v_jkc_mag,v_jkc_flux,v_jkc_flux_error,v_jkc_flag,r_jkc_mag,r_jkc_flux,r_jkc_flux_error,r_jkc_flag,r_sdss_mag,r_sdss_flux,r_sdss_flux_error,r_sdss_flag,z_sdss_mag,z_sdss_flux,z_sdss_flux_error,z_sdss_flag',
    '1001,10.5,-20.25,3,-4,14.3,0.002,14.5,5e-16,1e-18,1,14.1,4e-16,1e-18,1,14.3,3e-32,6e-35,1,14,3e-32,6e-35,0',
    {
      id: '1001',
      place: [10.5, -20.25],
      epoch: 2016,
      errMas: 1,
      pm: [3, -4],
      bands: {
        V: [14.5, 1.0857362 / 500],
        R: [14.1, 1.0857362 / 400],
        r: [14.3, 1.0857362 / 500],
        z: [Number.NaN, Number.NaN], // flag 0: outside of what was standardised
      },
    },
  ],
  [
    'gspc',
    'VizieR I/360',
    'Source,RA_ICRS,DE_ICRS,E_BP_RP_corr,Gmag,Vmag,FV,e_FV,VFlag,Rmag,FR,e_FR,RFlag,rmag,Fr,e_Fr,rFlag',
    '1001,10.5,-20.25,0.2,14.3,14.5,500,1,1,14.1,400,1,1,14.3,500,1,1',
    {
      id: '1001',
      place: [10.5, -20.25],
      epoch: 2016,
      errMas: 1,
      bands: { V: [14.5, 1.0857362 / 500], R: [14.1, 1.0857362 / 400], r: [14.3, 1.0857362 / 500] },
      clean: 0, // the excess of BP and RP is that of a blend
    },
  ],
  [
    'ps1',
    'VizieR II/349',
    'objID,RAJ2000,DEJ2000,e_RAJ2000,e_DEJ2000,Epoch,Nd,Qual,gmag,e_gmag,gKmag,rmag,e_rmag,imag,e_imag,iKmag,zmag,e_zmag,ymag,e_ymag',
    '132790250000000001,25.0000123,20.6500456,0.005,0.005,56400.0,40,60,15.1,0.003,15.2,14.6,0.002,14.4,0.002,14.45,14.3,0.002,14.2,0.004',
    {
      id: '132790250000000001',
      place: [25.0000123, 20.6500456],
      epoch: 2000 + (56_400 - 51_544.5) / 365.25,
      errMas: 5,
      bands: { g: [15.1, 0.003], r: [14.6, 0.002], i: [14.4, 0.002], z: [14.3, 0.002], y: [14.2, 0.004] },
    },
  ],
  [
    'ps1',
    'MAST object table',
    'objID,raMean,decMean,raMeanErr,decMeanErr,epochMean,nDetections,gMeanPSFMag,gMeanPSFMagErr,rMeanPSFMag,rMeanPSFMagErr,iMeanPSFMag,iMeanPSFMagErr,iMeanKronMag,zMeanPSFMag,zMeanPSFMagErr',
    '132790250000000001,25.0000123,20.6500456,0.005,0.005,56400.0,40,-999,-999,14.6,0.002,14.4,0.002,14.2,14.3,0.002',
    {
      id: '132790250000000001',
      place: [25.0000123, 20.6500456],
      epoch: 2000 + (56_400 - 51_544.5) / 365.25,
      errMas: 5,
      bands: { g: [Number.NaN, Number.NaN], r: [14.6, 0.002], i: [14.4, 0.002], z: [14.3, 0.002] },
      clean: 0, // brighter in the Kron aperture: a galaxy
    },
  ],
  [
    'sdss',
    'VizieR V/154',
    'objID,RA_ICRS,DE_ICRS,e_RA_ICRS,e_DE_ICRS,ObsDate,mode,class,clean,upmag,e_upmag,gpmag,e_gpmag,rpmag,e_rpmag,ipmag,e_ipmag,zpmag,e_zpmag',
    '1237650000000000001,180.1,2.2,0.03,0.04,2001.2345,1,6,1,17.3,0.02,16.1,0.01,15.6,0.01,15.4,0.01,15.3,0.02',
    {
      id: '1237650000000000001',
      place: [180.1, 2.2],
      epoch: 2001.2345,
      errMas: 30,
      bands: { u: [17.3, 0.02], g: [16.1, 0.01], r: [15.6, 0.01], i: [15.4, 0.01], z: [15.3, 0.02] },
    },
  ],
  [
    'sdss',
    'SkyServer',
    'objID,ra,dec,raErr,decErr,mjd,mode,type,clean,psfMag_u,psfMagErr_u,psfMag_r,psfMagErr_r',
    '1237650000000000001,180.1,2.2,0.03,0.04,52000,1,3,1,17.3,0.02,15.6,0.01',
    {
      id: '1237650000000000001',
      place: [180.1, 2.2],
      epoch: 2000 + (52_000 - 51_544.5) / 365.25,
      errMas: 30,
      bands: { u: [17.3, 0.02], r: [15.6, 0.01] },
      clean: 0, // type 3 is a galaxy
    },
  ],
  [
    'des',
    'VizieR II/371',
    'CoadID,RA_ICRS,DE_ICRS,ExtClsCoad,ExtClsWavg,rFlag,gmag,e_gmag,rmag,e_rmag,imag,e_imag,zmag,e_zmag,Ymag,e_Ymag',
    '900000001,35.5,-30.5,0,0,0,19.1,0.004,18.2,0.004,17.8,0.004,17.6,0.004,17.5,0.008',
    {
      id: '900000001',
      place: [35.5, -30.5],
      epoch: 2016,
      errMas: 30,
      bands: { g: [19.1, 0.004], r: [18.2, 0.004], i: [17.8, 0.004], z: [17.6, 0.004], Y: [17.5, 0.008] },
    },
  ],
  [
    'des',
    'NOIRLab main',
    'COADD_OBJECT_ID,RA,DEC,EXTENDED_CLASS_COADD,FLAGS_R,WAVG_MAG_PSF_G,WAVG_MAGERR_PSF_G,WAVG_MAG_PSF_R,WAVG_MAGERR_PSF_R',
    '900000001,35.5,-30.5,3,0,19.1,0.004,18.2,0.004',
    {
      id: '900000001',
      place: [35.5, -30.5],
      epoch: 2016,
      errMas: 30,
      bands: { g: [19.1, 0.004], r: [18.2, 0.004] },
      clean: 0, // class 3 is a galaxy of high confidence
    },
  ],
  [
    'atlas_refcat2',
    'VizieR J/ApJ/867/105',
    'RA_ICRS,DE_ICRS,Plx,pmRA,pmDE,Gmag,gmag,e_gmag,rmag,e_rmag,imag,e_imag,zmag,e_zmag,rp1,r1,r10',
    '200.125,-45.5,1.5,12,-7,14.9,15.3,0.005,14.8,0.004,14.6,0.004,14.5,0.006,20,25,36',
    {
      id: '200.125000-45.500000',
      place: [200.125, -45.5],
      epoch: 2015.5,
      errMas: 2,
      pm: [12, -7],
      bands: { g: [15.3, 0.005], r: [14.8, 0.004], i: [14.6, 0.004], z: [14.5, 0.006] },
    },
  ],
  [
    'atlas_refcat2',
    'MAST',
    'objid,RA,Dec,pmra,pmdec,g,dg,r,dr,i,di,z,dz,r1',
    '77,200.125,-45.5,12,-7,15.3,0.005,14.8,0.004,14.6,0.004,14.5,0.006,3',
    {
      id: '77',
      place: [200.125, -45.5],
      epoch: 2015.5,
      errMas: 2,
      pm: [12, -7],
      bands: { g: [15.3, 0.005], r: [14.8, 0.004], i: [14.6, 0.004], z: [14.5, 0.006] },
      clean: 0, // neighbours as bright as the star within 3″
    },
  ],
  [
    'skymapper',
    'VizieR II/379',
    'ObjectId,RAICRS,DEICRS,flags,ClassStar,uPSF,e_uPSF,vPSF,e_vPSF,gPSF,e_gPSF,rPSF,e_rPSF,iPSF,e_iPSF,zPSF,e_zPSF',
    '33001,90.5,-60.5,0,0.98,16.5,0.02,16.2,0.02,14.9,0.005,14.5,0.005,14.3,0.006,14.2,0.008',
    {
      id: '33001',
      place: [90.5, -60.5],
      epoch: 2016.5,
      errMas: 150,
      bands: {
        u: [16.5, 0.02],
        v: [16.2, 0.02],
        g: [14.9, 0.005],
        r: [14.5, 0.005],
        i: [14.3, 0.006],
        z: [14.2, 0.008],
      },
    },
  ],
  [
    'skymapper',
    'the survey itself',
    'object_id,raj2000,dej2000,e_raj2000,e_dej2000,mean_epoch,flags,class_star,g_psf,e_g_psf,r_psf,e_r_psf',
    '33001,90.5,-60.5,110,120,57500,4,0.98,14.9,0.005,14.5,0.005',
    {
      id: '33001',
      place: [90.5, -60.5],
      epoch: 2000 + (57_500 - 51_544.5) / 365.25,
      errMas: 110,
      bands: { g: [14.9, 0.005], r: [14.5, 0.005] },
      clean: 0, // flag 4: saturated
    },
  ],
  [
    'twomass',
    'VizieR II/246',
    '2MASS,RAJ2000,DEJ2000,errMaj,Jmag,e_Jmag,Hmag,e_Hmag,Kmag,e_Kmag,Qflg,Rflg,Bflg,Cflg',
    '13120960+1132530,198.04,11.5481,0.07,12.773,0.02,12.3,0.03,12.111,0.09,AAD,222,111,000',
    {
      id: '13120960+1132530',
      place: [198.04, 11.5481],
      epoch: 1999.5,
      errMas: 70,
      bands: { J: [12.773, 0.02], H: [12.3, 0.03], K: [Number.NaN, Number.NaN] }, // D in its third place
    },
  ],
  [
    'twomass',
    'IRSA and HATS',
    'designation,ra,dec,err_maj,j_m,j_cmsig,j_msigcom,h_m,h_msigcom,k_m,k_msigcom,ph_qual,cc_flg',
    '13120960+1132530,198.04,11.5481,0.07,12.773,0.019,0.02,12.3,0.03,12.111,0.02,AAA,c00',
    {
      id: '13120960+1132530',
      place: [198.04, 11.5481],
      epoch: 1999.5,
      errMas: 70,
      bands: { J: [12.773, 0.02], H: [12.3, 0.03], K: [12.111, 0.02] },
      clean: 0, // confused with a neighbour
    },
  ],
  [
    'apass',
    'VizieR II/336',
    "recno,RAJ2000,e_RAJ2000,DEJ2000,e_DEJ2000,Field,nobs,mobs,B-V,Vmag,e_Vmag,Bmag,e_Bmag,g'mag,e_g'mag,r'mag,e_r'mag,i'mag,e_i'mag",
    '21,284.0575,0.3,-62.4332,0.4,0020110217,4,12,0.65,13.1,0.02,13.75,0.03,13.4,0.02,12.9,0.02,12.7,0.03',
    {
      id: '21',
      place: [284.0575, -62.4332],
      epoch: 2012,
      errMas: 300,
      bands: { V: [13.1, 0.02], B: [13.75, 0.03], g: [13.4, 0.02], r: [12.9, 0.02], i: [12.7, 0.03] },
    },
  ],
  [
    'apass',
    'as astroquery renames it',
    'recno,RAJ2000,DEJ2000,nobs,Vmag,e_Vmag,Bmag,e_Bmag,g_mag,e_g_mag,r_mag,e_r_mag,i_mag,e_i_mag',
    '21,284.0575,-62.4332,1,13.1,0,13.75,0.03,13.4,0.02,12.9,0.02,,',
    {
      id: '21',
      place: [284.0575, -62.4332],
      epoch: 2012,
      errMas: 300,
      bands: { B: [13.75, 0.03], g: [13.4, 0.02], r: [12.9, 0.02], i: [Number.NaN, Number.NaN] },
      clean: 0, // one night, and an error of nothing in V
    },
  ],
  [
    'asas',
    'means of constant stars',
    'ASAS,RAJ2000,DEJ2000,Vmag,e_Vmag,Imag,e_Imag,Type',
    '000006+2553.2,0.025,25.887,10.41,0.03,9.7,0.04,',
    {
      id: '000006+2553.2',
      place: [0.025, 25.887],
      epoch: 2003,
      errMas: 2000,
      bands: { V: [10.41, 0.03], I: [9.7, 0.04] },
    },
  ],
  [
    'asas',
    'the catalogue of variables',
    'ID,ra,dec,V,Type',
    '000006+2553.2,0.025,25.887,10.41,DSCT',
    {
      id: '000006+2553.2',
      place: [0.025, 25.887],
      epoch: 2003,
      errMas: 2000,
      bands: { V: [10.41, 0.04] },
      clean: 0,
    },
  ],
  [
    'tycho2',
    'VizieR I/259',
    'TYC1,TYC2,TYC3,RAmdeg,DEmdeg,e_RAmdeg,e_DEmdeg,pmRA,pmDE,e_pmRA,BTmag,e_BTmag,VTmag,e_VTmag,prox,RA(ICRS),DE(ICRS)',
    '1,8,1,2.31750494,2.23184345,69,70,-16.3,-9.0,2.3,12.146,0.158,12.146,0.223,999,2.31754222,2.23186444',
    {
      id: '1-8-1',
      place: [2.31750494, 2.23184345],
      epoch: 2000,
      errMas: 69,
      pm: [-16.3, -9],
      bands: { BT: [12.146, 0.158], VT: [12.146, 0.223] },
    },
  ],
  [
    'urat1',
    'VizieR I/329',
    'URAT1,RAJ2000,DEJ2000,sigs,sigm,nst,Epoch,f.mag,e_f.mag,pmRA,pmDE,e_pm',
    '602-123456,120.5,30.25,9,12,20,2013.254,14.2,0.02,100,-50,6.1',
    {
      id: '602-123456',
      place: [120.5, 30.25],
      epoch: 2013.254,
      errMas: 12,
      pm: [100, -50],
      bands: { URAT: [14.2, 0.02] },
    },
  ],
  [
    'usnob1',
    'VizieR I/284',
    'USNO-B1.0,RAJ2000,DEJ2000,e_RAJ2000,e_DEJ2000,Epoch,pmRA,pmDE,e_pmRA,Ndet,B2mag,R2mag',
    '1202-0123456,120.5,30.25,60,70,1978.3,100,-50,4,2,15.4,14.2',
    {
      id: '1202-0123456',
      place: [120.5, 30.25],
      epoch: 2000,
      errMas: 60,
      pm: [100, -50],
      bands: { B2: [15.4, 0.3], R2: [14.2, 0.3] },
      clean: 0, // two plates of five
    },
  ],
]

test.each(rows)('%s as published by %s', async (survey, _, names, values, says) => {
  const stars = await read(`${names}\n${values}\n`, survey)
  expect(stars.id).toEqual([says.id])
  expect([stars.raDeg[0], stars.decDeg[0]]).toEqual(says.place)
  expect(stars.epochYear[0]).toBeCloseTo(says.epoch, 9)
  expect(stars.raErrMas[0]).toBeCloseTo(says.errMas, 9)
  expect([stars.pmRaMasPerYear[0], stars.pmDecMasPerYear[0]]).toEqual(says.pm ?? [0, 0])
  for (const [band, [mag, err]] of Object.entries(says.bands)) {
    expect([band, stars.mag[band][0]]).toEqual([band, mag])
    if (Number.isNaN(mag)) expect(stars.magErr[band][0]).toBeNaN()
    else expect(stars.magErr[band][0]).toBeCloseTo(err, 9)
  }
  expect(stars.clean[0]).toBe(says.clean ?? 1)
})

test('every survey has a row above, or a real one below', () => {
  expect(new Set([...rows.map(([survey]) => survey), 'ucac4'])).toEqual(new Set(surveyIds))
})

describe('rows of real answers', () => {
  const ucac4 = join(data, 'neoexchange', 'test_catalog_subs_UCAC4.dat')
  test.skipIf(!existsSync(ucac4))('UCAC4 of VizieR: a header and 1607 rows around 19 59 +35', async () => {
    const stars = await readPublished(readFileSync(ucac4), 'ucac4')
    expect(stars.count).toBe(1607)
    const row = stars.id.indexOf('625-088770')
    expect(place(stars, row)).toEqual([299.3025448, 34.9979392])
    expect([stars.raErrMas[row], stars.pmRaMasPerYear[row], stars.pmDecMasPerYear[row]]).toEqual([19, 7.3, 5.7])
    expect([stars.mag.UCAC[row], stars.magErr.UCAC[row], stars.clean[row]]).toEqual([12.627, 0.05, 1])
    expect(stars.epochYear.every(year => year === 2000)).toBe(true)
  })

  const gaia = join(data, 'service_responses', 'gaia', 'tests', 'data', '1710099405832VAL-result.vot')
  test.skipIf(!existsSync(gaia))('Gaia DR3 of the archive, all columns: what astropy reads', async () => {
    const stars = await readPublished(readFileSync(gaia), 'gaia_dr3')
    expect(stars.id).toEqual(['4583627001381815936', '5348723816842275584'])
    expect(place(stars, 0)).toEqual([268.0676646661466, 26.50748605871529])
    expect(place(stars, 1)).toEqual([171.55081173633306, -51.3606309660715])
    expect(stars.mag.G[0]).toBeCloseTo(7.01201868, 7)
    expect(stars.magErr.G[0]).toBeCloseTo(1.0857362 / 584.2872314, 9)
    expect(stars.mag.BP[1] - stars.mag.RP[1]).toBeCloseTo(9.790323 - 5.567536, 5)
    expect(stars.pmRaMasPerYear[1]).toBeCloseTo(-12.51899, 5)
    expect([...stars.clean]).toEqual([0, 0]) // both are variable
  })

  test.skipIf(!existsSync(gaia))(
    'columns that upstream descriptions of Gaia ask for are those of the archive',
    async () => {
      const [table] = await readTables(readFileSync(gaia))
      const [archive] = (surveys.gaia_dr3.upstreams ?? []).flatMap(upstream =>
        upstream.kind === 'tap' && !upstream.quoted ? [upstream] : [],
      )
      for (const name of [...archive.columns, archive.ra, archive.dec, archive.magnitude])
        expect([name, findColumn(table, [name]) !== undefined]).toEqual([name, true])
    },
  )
})

function place({ raDeg, decDeg }: ReferenceStars, row: number): [number, number] {
  return [raDeg[row], decDeg[row]]
}

describe('the excess of BP and RP', () => {
  test('joins its pieces, and scatters as Riello et al. 2021 say', () => {
    // eq. 6 at the joints of its polynomials: both sides agree to what the table prints
    for (const x of [0.5, 4]) expect(correctedExcess(1.2, x - 1e-9)).toBeCloseTo(correctedExcess(1.2, x + 1e-9), 1)
    // §9.4: 1σ is 0.006 for bright stars and grows to 0.1 at G = 21
    expect(excessSigmas(0.006, 8)).toBeCloseTo(1, 1)
    expect(excessSigmas(0.11, 21)).toBeGreaterThan(0.9)
    expect(excessSigmas(0.11, 21)).toBeLessThan(1.1)
  })
})

describe('what a survey description promises', () => {
  test.each(surveyIds)('%s: bands, colours, limits and services that fit each other', id => {
    const { bands, mainBand, declination, upstreams = [], columns, epochYear } = surveys[id]
    expect(Object.keys(bands)).toContain(mainBand)
    expect(declination[1]).toBeGreaterThan(declination[0])
    expect(epochYear).toBeGreaterThan(1950)
    for (const { colour, bright, faint, system } of Object.values(bands)) {
      expect(faint - bright).toBeGreaterThan(2)
      expect(['AB', 'Vega']).toContain(system)
      if (colour) expect(bands[colour[0]].system).toBe(bands[colour[1]].system)
    }
    const spelled = (spellings: readonly string[] = [], name: string) => spellings.includes(name)
    for (const upstream of upstreams) {
      if (upstream.kind !== 'tap') continue
      // what is asked for is understood: positions, the main band, and everything else by some quantity
      expect(spelled(columns.ra, upstream.ra) && spelled(columns.dec, upstream.dec)).toBe(true)
      expect(spelled(bands[mainBand].mag, upstream.magnitude)).toBe(true)
      expect(upstream.columns).toContain(upstream.magnitude)
    }
  })
})
