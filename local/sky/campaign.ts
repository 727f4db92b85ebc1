import { isoDate } from './camera-headers.ts'
import type { Request } from './observe.ts'
import type { FieldDescription } from './star-field.ts'
import { telescopes } from './telescopes.ts'
import type { Transient } from './transient.ts'

/** The story of the show: a star that was not there, watched by two telescopes. */
export const transient: Transient = {
  name: 'VT2026abc',
  raDeg: 161.2647,
  decDeg: 11.7019,
  mjdRise: 61098.1,
  riseDays: 0.7,
  bands: {
    g: { peakMag: 16.35, fallDays: 7.5 },
    r: { peakMag: 16.1, fallDays: 10.5 },
    i: { peakMag: 16.05, fallDays: 13 },
  },
}

/** The sky around it: stars enough for a pattern, room for a pointing that is off. */
export const field: FieldDescription = {
  raDeg: transient.raDeg,
  decDeg: transient.decDeg,
  radiusDeg: 0.36,
  density: 11_000,
  seed: 'the virtual sky',
}

/** One file that goes into the inbox, in the order of sending. */
export interface Delivery {
  /** `<telescope>/<night>/<file>`: a telescope's own prefix. */
  key: string
  request?: Request
  /** The same file again, under this other key. */
  copyOf?: string
  /** Bytes of something that is no frame. */
  text?: string
  /** What must become of it, where the photons leave no choice; the frames in between may be either. */
  story: string
}

const NIGHTS = [61091, 61095, 61096, 61098, 61100, 61103, 61108]
const CLOUDY_NIGHT = 61100

/** Every delivery of the campaign: two telescopes, three bands, seven nights, and what goes wrong at real telescopes. */
export function planCampaign(): Delivery[] {
  const deliveries: Delivery[] = []
  const { alcor, mizar } = telescopes
  for (const [index, night] of NIGHTS.entries()) {
    deliveries.push(
      exposure({ telescope: mizar, filter: 'r', mjdStart: night + 0.93, transparency: 1 }),
      exposure({ telescope: alcor, filter: 'g', mjdStart: night + 1.083, transparency: 1 }),
      exposure({ telescope: alcor, filter: 'r', mjdStart: night + 1.086, transparency: index % 3 === 2 ? 0.7 : 1 }),
    )
    if (night === CLOUDY_NIGHT) {
      deliveries.push(
        exposure({ telescope: mizar, filter: 'i', mjdStart: night + 0.94, transparency: 0.002 }, 'thick cloud'),
      )
    } else if (index % 2 === 1) {
      deliveries.push(exposure({ telescope: mizar, filter: 'i', mjdStart: night + 0.94, transparency: 1 }))
    }
  }
  const again = deliveries[deliveries.length - 1]
  deliveries.push(
    { key: again.key.replace(/(\.\w+)$/, '-again$1'), copyOf: again.key, story: 'the same file sent twice' },
    {
      key: 'mizar/2026-03-09/observing-log.txt',
      text: 'Clear until 23:40 UT, then cirrus. Dome closed.\n',
      story: 'a text file',
    },
  )
  return deliveries
}

function exposure(request: Request, story = 'clear sky'): Delivery {
  const { telescope, filter, mjdStart } = request
  // The night is the date of its evening.
  const night = isoDate(mjdStart - 0.5).slice(0, 10)
  const time = isoDate(mjdStart).slice(11, 19).replaceAll(':', '')
  const extension = telescope.dialect === 'maxim' ? 'fts' : 'fits'
  const hazy = request.transparency < 1 && request.transparency > 0.1
  return {
    key: `${telescope.name}/${night}/${transient.name}-${filter}-${time}.${extension}`,
    request,
    story: hazy ? 'haze' : story,
  }
}
