import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Cloud } from '#local/cloud/cloud.ts'
import { type Delivery, field, planCampaign, transient } from '#local/sky/campaign.ts'
import { type Observed, observe } from '#local/sky/observe.ts'
import { makeStarField } from '#local/sky/star-field.ts'
import { gaiaTable, ps1Table } from '#local/sky/survey-tables.ts'
import { transientMag } from '#local/sky/transient.ts'
import { drawLightCurve, type PlottedCurve } from '#shared/lightcurve/plot.ts'
import type { Board } from './board.ts'
import { Inbox } from './inbox.ts'
import { type Compared, pictureLines, tableLines } from './light-curve-text.ts'
import { deadLetters, Subscriber } from './notices.ts'
import { follow, importTable, lightCurve, pointsOf } from './service.ts'
import { type Check, type Ended, judge } from './verdict.ts'

// Frames under way at once: enough to keep two processors busy, few enough to follow with the eyes.
const AT_ONCE = 3

/**
 * Two virtual telescopes follow a new star through the local cloud; the light curve is printed beside the truth.
 *
 * @param picture where to write the light curve as PNG
 * @returns what had to hold, and whether it did
 */
export async function showCampaign(cloud: Cloud, board: Board, picture: string): Promise<Check[]> {
  const subscriber = await Subscriber.join(cloud)
  const sky = makeStarField(field)
  const gaia = await importTable(cloud, 'gaia_dr3', gaiaTable(sky))
  const ps1 = await importTable(cloud, 'ps1', ps1Table(sky))
  board.say(
    `The virtual sky: ${sky.count} stars; tiles of Gaia (${gaia.total}) and Pan-STARRS1 (${ps1.total}) imported`,
  )
  const objectId = await follow(cloud, transient)
  board.say(`The target: ${transient.name} at ${transient.raDeg} ${transient.decDeg}, not there yet`)
  board.say(`Watch it grow: ${board.bold(`${cloud.url}/object.html?id=${encodeURIComponent(objectId)}`)}`)
  board.say()

  const ended = await deliverAll(planCampaign(), new Inbox(cloud), cloud, board, request =>
    observe(sky, transient, request),
  )
  const truths = new Map(ended.filter(one => one.truth).map(one => [one.row.frameId, one.truth!]))
  const curve = (await lightCurve(cloud, objectId)).map(point => ({ point, truth: truths.get(point.frameId) }))
  const points = await Promise.all(ended.filter(one => !one.delivery.copyOf).map(one => pointsOf(cloud, one.row)))

  board.say()
  for (const line of [...tableLines(curve), '', ...pictureLines(curve.map(({ point }) => point)), '']) board.say(line)
  await writePicture(picture, curve)
  board.say(`The same as a picture: ${picture}`)

  const ids = points.flat().map(point => point.pointId)
  return judge(ended, curve, await subscriber.ids(), ids, await deadLetters(cloud))
}

/** Send everything in order, a few at a time; a copy only after its original has ended. */
async function deliverAll(
  plan: Delivery[],
  inbox: Inbox,
  cloud: Cloud,
  board: Board,
  expose: (request: NonNullable<Delivery['request']>) => Observed,
): Promise<Ended[]> {
  const files = new Map<string, Uint8Array>()
  const ended: Ended[] = []
  const done = new Map<string, Promise<void>>()
  const send = async (delivery: Delivery) => {
    if (delivery.copyOf) await done.get(delivery.copyOf)
    const observed = delivery.request && expose(delivery.request)
    const bytes = observed?.bytes ?? files.get(delivery.copyOf ?? '') ?? new TextEncoder().encode(delivery.text)
    if (plan.some(other => other.copyOf === delivery.key)) files.set(delivery.key, bytes)
    const frame = board.frame(titleOf(delivery))
    const row = await inbox.put(delivery.key, bytes, frame.entered)
    frame.ended(row, await wordsFor(cloud, delivery, row, observed?.truth))
    ended.push({ delivery, row, truth: observed?.truth })
  }

  const waiting = [...plan]
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const sending = send(next)
      done.set(next.key, sending)
      await sending
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return ended
}

/** 'alcor  Sloan g  2026-02-24 00:04' */
function titleOf({ key, request }: Delivery): string {
  if (!request) return key.slice(0, 33).padEnd(33)
  const { telescope, filter, mjdStart } = request
  const time = new Date((mjdStart - 40587) * 86400e3).toISOString().slice(0, 16).replace('T', ' ')
  return `${telescope.name.padEnd(6)} ${telescope.filters[filter].name.padEnd(8)} ${time}`.padEnd(33)
}

async function wordsFor(cloud: Cloud, delivery: Delivery, row: Ended['row'], truth: Ended['truth']): Promise<string> {
  const story = delivery.story === 'clear sky' ? '' : ` (${delivery.story})`
  if (row.outcome === 'duplicate') return `the same bytes as before, nothing to do${story}`
  if (row.reason) return `${row.reason}${story}`
  const [point] = await pointsOf(cloud, row)
  if (!point) return story.trim()
  const truthful = truth && truth.targetMag < 23 ? `true ${truth.targetMag.toFixed(2)}` : 'not there yet'
  if (!point.detected) return `${point.band} > ${point.limit5Sigma?.toFixed(2)}, ${truthful}${story}`
  return `${point.band} = ${point.mag?.toFixed(3)} ± ${point.magErr?.toFixed(3)}, ${truthful}${story}`
}

async function writePicture(path: string, curve: Compared[]): Promise<void> {
  const days = curve.map(({ point }) => point.mjdUtcMid)
  const mjd = Array.from(
    { length: 300 },
    (_, i) => Math.min(...days) + ((Math.max(...days) - Math.min(...days)) * i) / 299,
  )
  const curves: PlottedCurve[] = Object.keys(transient.bands).map(band => ({
    band,
    mjd,
    mag: mjd.map(at => transientMag(transient, band, at)),
  }))
  const title = `${transient.name}: a virtual transient, measured (points) and true (lines)`
  await mkdir(dirname(path), { recursive: true })
  await writeFile(
    path,
    drawLightCurve(
      curve.map(({ point }) => point),
      { title, curves },
    ),
  )
}
