/**
 * Everything the pages ask of the service, and asking again while frames land.
 */

/** The service did not answer, or said no. */
export class NoAnswer extends Error {
  constructor(path, status) {
    super(status ? `${path} answered ${status}` : `${path} did not answer`)
    this.status = status
  }
}

export const nights = () => ask('api/nights')
export const framesOf = night => ask(`api/frames?night=${encodeURIComponent(night)}`)
export const frame = id => ask(`api/frames/${encodeURIComponent(id)}`)
export const objects = () => ask('api/objects')

/** The object with its points, by time. */
export async function object(id) {
  const { object, points } = await ask(`api/objects/${encodeURIComponent(id)}`)
  return { object, points: pointsOf(points) }
}

/** A run with its visits to states; only the local cloud answers this, on AWS the console of Step Functions does. */
export const run = execution => ask(`local/runs/${encodeURIComponent(execution)}`)

export const lightCurveUrl = (id, format) => `api/objects/${encodeURIComponent(id)}/lightcurve?format=${format}`
export const productUrl = (frameId, file) => `api/products/${frameId}/${file}`

// Names of a light curve's columns, and what the pages call them: as in the points of a frame.
const NAMES = {
  mjd_utc: 'mjdUtcMid',
  band: 'band',
  mag: 'mag',
  mag_err: 'magErr',
  detected: 'detected',
  limit_5_sigma: 'limit5Sigma',
  reason: 'reason',
  mag_system: 'magSystem',
  survey: 'survey',
  zero_point: 'zeroPoint',
  zero_point_err: 'zeroPointError',
  calibrators: 'calibrators',
  telescope: 'telescope',
  flags: 'flagNames',
  frame: 'frameId',
}

/** One object per point from one list per quantity. */
function pointsOf(columns) {
  const names = Object.entries(NAMES)
  return columns.mjd_utc.map((_, i) => {
    const point = Object.fromEntries(names.map(([column, name]) => [name, columns[column][i]]))
    return { ...point, pointId: `${point.frameId}-${point.band}` }
  })
}

/** A product that is JSON, or undefined where the frame has none. */
export const product = (frameId, file) => ask(productUrl(frameId, file)).catch(() => undefined)

async function ask(path) {
  const answer = await fetch(path, { headers: { accept: 'application/json' } }).catch(() => {
    throw new NoAnswer(path)
  })
  if (!answer.ok) throw new NoAnswer(path, answer.status)
  return answer.json()
}

const SECONDS_BETWEEN = 2

/**
 * Load and draw, then again every two seconds while the page is seen; draws only when something changed. Stops being
 * asked where `done` says that nothing more will come.
 */
export async function follow(load, draw, done = () => false) {
  let seen
  const pulse = document.getElementById('pulse')
  while (true) {
    try {
      const data = await load()
      const text = JSON.stringify(data)
      if (text !== seen) draw(data, seen === undefined ? undefined : JSON.parse(seen))
      seen = text
      pulse.textContent = `up to date ${new Date().toISOString().slice(11, 19)} UTC`
      if (done(data)) return
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      pulse.textContent = `${error.message}; asking again`
      if (seen === undefined) draw(undefined, undefined, error)
    }
    await new Promise(resolve => setTimeout(resolve, SECONDS_BETWEEN * 1000))
    while (document.hidden)
      await new Promise(resolve => document.addEventListener('visibilitychange', resolve, { once: true }))
  }
}
