import type { HeaderLine } from './fits-writer.ts'
import type { Telescope } from './telescopes.ts'

/** What a camera program knows when it writes a frame. Neither of them knows where the telescope really points. */
export interface Shot {
  telescope: Telescope
  filterName: string
  /** Start of the exposure, MJD, UTC. */
  mjdStart: number
  objectName: string
  /** Where the mount believes it points. */
  raDeg: number
  decDeg: number
  airmass: number
}

/** Header lines in the words of the telescope's camera program. */
export function cameraHeader(shot: Shot): HeaderLine[] {
  return shot.telescope.dialect === 'maxim' ? maximHeader(shot) : ninaHeader(shot)
}

function maximHeader({ telescope, filterName, mjdStart, objectName, raDeg, decDeg, airmass }: Shot): HeaderLine[] {
  const { site, chip, exposureSeconds } = telescope
  return [
    ['OBJECT', objectName],
    ['TELESCOP', telescope.name],
    ['INSTRUME', 'Virtual CCD 1024'],
    ['OBSERVER', 'robot'],
    ['DATE-OBS', isoDate(mjdStart).slice(0, 22), 'YYYY-MM-DDThh:mm:ss observation start, UT'],
    ['EXPTIME', exposureSeconds, 'Exposure time in seconds'],
    ['EXPOSURE', exposureSeconds, 'Exposure time in seconds'],
    ['SET-TEMP', -30, 'CCD temperature setpoint in degrees C'],
    ['CCD-TEMP', -29.9, 'CCD temperature at start of exposure in degrees C'],
    ['XPIXSZ', telescope.pixelMicrons, 'Pixel Width in microns (after binning)'],
    ['YPIXSZ', telescope.pixelMicrons, 'Pixel Height in microns (after binning)'],
    ['XBINNING', 1, 'Binning factor in width'],
    ['YBINNING', 1, 'Binning factor in height'],
    ['XORGSUBF', 0, 'Subframe X position in binned pixels'],
    ['YORGSUBF', 0, 'Subframe Y position in binned pixels'],
    ['FILTER', filterName, 'Filter name when image was taken'],
    ['IMAGETYP', 'Light Frame', 'Type of image'],
    ['SITELAT', sexagesimal(site.latitudeDeg, 0), 'Latitude of the imaging location'],
    ['SITELONG', sexagesimal(site.longitudeEastDeg, 0), 'Longitude of the imaging location'],
    ['JD', Math.round((mjdStart + 2400000.5) * 1e8) / 1e8, 'Julian Date at start of exposure'],
    ['FOCALLEN', telescope.focalLengthMm, 'Focal length of telescope in mm'],
    ['APTDIA', telescope.apertureMm, 'Aperture diameter of telescope in mm'],
    ['EGAIN', chip.gainElectronsPerAdu, 'Electronic gain in e-/ADU'],
    ['OBJCTRA', sexagesimal(raDeg / 15, 1), 'Nominal Right Ascension of center of image'],
    ['OBJCTDEC', sexagesimal(decDeg, 0, true), 'Nominal Declination of center of image'],
    ['AIRMASS', Math.round(airmass * 1e4) / 1e4, 'Relative optical path length through atmosphere'],
    ['PEDESTAL', -chip.biasAdu, 'Correction to add for zero-based ADU'],
    ['SWCREATE', 'MaxIm DL Version 6.30 220501', 'Name of software'],
    ['SBSTDVER', 'SBFITSEXT Version 1.0', 'Version of SBFITSEXT standard in effect'],
  ]
}

function ninaHeader({ telescope, filterName, mjdStart, objectName, raDeg, decDeg, airmass }: Shot): HeaderLine[] {
  const { site, chip, exposureSeconds } = telescope
  return [
    ['EXTEND', true, 'Extensions are permitted'],
    ['IMAGETYP', 'LIGHT', 'Type of exposure'],
    ['EXPOSURE', exposureSeconds, '[s] Exposure duration'],
    ['EXPTIME', exposureSeconds, '[s] Exposure duration'],
    ['DATE-LOC', isoDate(mjdStart + 2 / 24), 'Time of observation (local)'],
    ['DATE-OBS', isoDate(mjdStart), 'Time of observation (UTC)'],
    ['DATE-AVG', isoDate(mjdStart + exposureSeconds / 2 / 86400), 'Averaged midpoint time (UTC)'],
    ['XBINNING', 1, 'X axis binning factor'],
    ['YBINNING', 1, 'Y axis binning factor'],
    ['GAIN', 100, 'Sensor gain'],
    ['OFFSET', 50, 'Sensor gain offset'],
    ['EGAIN', chip.gainElectronsPerAdu, '[e-/ADU] Electrons per A/D unit'],
    ['XPIXSZ', telescope.pixelMicrons, '[um] Pixel X axis size'],
    ['YPIXSZ', telescope.pixelMicrons, '[um] Pixel Y axis size'],
    ['INSTRUME', 'Virtual CMOS 0.6M', 'Imaging instrument name'],
    ['SET-TEMP', -10, '[degC] CCD temperature setpoint'],
    ['CCD-TEMP', -10, '[degC] CCD temperature'],
    ['READOUTM', 'Low noise', 'Sensor readout mode'],
    ['FILTER', filterName, 'Active filter name'],
    ['TELESCOP', telescope.name, 'Name of telescope'],
    ['FOCALLEN', telescope.focalLengthMm, '[mm] Focal length'],
    ['FOCRATIO', Math.round((telescope.focalLengthMm / telescope.apertureMm) * 100) / 100, 'Focal ratio'],
    ['RA', raDeg, '[deg] RA of telescope'],
    ['DEC', decDeg, '[deg] Declination of telescope'],
    ['AIRMASS', airmass, 'Airmass at frame center (Gueymard 1993)'],
    ['SITEELEV', site.heightM, '[m] Observation site elevation'],
    ['SITELAT', site.latitudeDeg, '[deg] Observation site latitude'],
    ['SITELONG', site.longitudeEastDeg, '[deg] Observation site longitude'],
    ['OBJECT', objectName, 'Name of the object of interest'],
    ['OBJCTRA', sexagesimal(raDeg / 15, 0), '[H M S] RA of imaged object'],
    ['OBJCTDEC', sexagesimal(decDeg, 0, true), '[D M S] Declination of imaged object'],
    ['ROWORDER', 'TOP-DOWN', 'FITS Image Orientation'],
    ['EQUINOX', 2000, 'Equinox of celestial coordinate system'],
    ['SWCREATE', 'N.I.N.A. 3.1.2.9001 (x64)', 'Software that created this file'],
  ]
}

/** '12 34 56.7', blanks between as both programs write it. */
function sexagesimal(value: number, decimals: number, sign = false): string {
  const unit = 10 ** decimals
  const whole = Math.round(Math.abs(value) * 3600 * unit)
  const seconds = ((whole / unit) % 60).toFixed(decimals).padStart(decimals > 0 ? decimals + 3 : 2, '0')
  const minutes = String(Math.floor(whole / unit / 60) % 60).padStart(2, '0')
  const leading = String(Math.floor(whole / unit / 3600)).padStart(2, '0')
  return `${value < 0 ? '-' : sign ? '+' : ''}${leading} ${minutes} ${seconds}`
}

/** ISO date and time to the millisecond of an MJD. */
export function isoDate(mjd: number): string {
  return new Date(Math.round((mjd - 40587) * 86400_000)).toISOString().slice(0, 23)
}
