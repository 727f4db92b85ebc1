import { follow, framesOf, nights } from './data.js'
import { fixed, nightText } from './numbers.js'
import { el, fill, openPage, outcomeOf, tableOf, trouble } from './page.js'

// The latest nights are shown whole; older ones on request, so that a long campaign does not make a long page.
const SHOWN_WHOLE = 10

const main = openPage('Nights')
const opened = new Set()

follow(load, draw)

async function load() {
  const list = await nights()
  const wanted = list.filter((entry, k) => k < SHOWN_WHOLE || opened.has(entry.night))
  const frames = await Promise.all(wanted.map(entry => framesOf(entry.night)))
  return list.map(entry => ({ ...entry, frames: frames[wanted.indexOf(entry)] }))
}

function draw(list, before, error) {
  if (error) return fill(main, trouble(error))
  const frames = list.flatMap(night => night.frames ?? [])
  const known = new Set((before ?? list).flatMap(night => (night.frames ?? []).map(frame => frame.execution)))
  fill(
    main,
    el('h1', {}, 'Nights'),
    frames.length === 0
      ? el('p', {}, 'No frame has arrived yet. Put one into the inbox, under a prefix of the telescope’s own.')
      : funnel(frames),
    ...list.map(night => nightSection(night, known)),
  )
}

function funnel(frames) {
  const reached = {
    solved: ['solved', 'measured', 'calibrated', 'recorded'],
    measured: ['measured', 'calibrated', 'recorded'],
  }
  const count = test => frames.filter(test).length
  const steps = [
    ['received', frames.length],
    ['standardised', count(frame => frame.status !== 'received')],
    ['solved', count(frame => reached.solved.includes(frame.status))],
    ['measured', count(frame => reached.measured.includes(frame.status))],
    ['calibrated', count(frame => frame.outcome === 'calibrated')],
    ['limit', count(frame => frame.outcome === 'limit')],
    ['rejected', count(frame => frame.outcome === 'rejected')],
    ['failed', count(frame => frame.outcome === 'failed')],
  ]
  const items = steps.map(([title, n]) =>
    el('li', { style: `--share: ${(100 * n) / frames.length}%` }, el('b', {}, String(n)), title),
  )
  return el('ol', { class: 'funnel', 'aria-label': 'How far the frames of these nights came' }, ...items)
}

function nightSection({ night, telescopes, frames }, known) {
  const title = el('h2', { id: night }, nightText(night), ' ', el('small', {}, telescopes?.join(', ') ?? ''))
  if (!frames) return el('section', {}, title, el('button', { onclick: () => opened.add(night) }, 'Show its frames'))
  return el(
    'section',
    {},
    title,
    tableOf(
      columns,
      frames,
      frame => ({ class: known.has(frame.execution) ? undefined : 'fresh' }),
      frame => frame.reason,
    ),
  )
}

const columns = [
  { title: 'outcome', cell: outcomeOf },
  { title: 'file', cell: frame => el('a', { href: `frame.html?id=${frame.frameId}` }, fileOf(frame)) },
  { title: 'exposed (UTC)', cell: frame => frame.summary?.dateObsUtc?.slice(0, 19).replace('T', ' ') },
  { title: 'filter', cell: frame => frame.summary?.filterName },
  { title: 'band', cell: frame => bandOf(frame.summary?.calibration) },
  { title: 'FWHM″', number: true, cell: frame => seeing(frame.summary) },
  { title: 'stars', number: true, cell: frame => frame.summary?.stars?.toString() },
  { title: 'WCS mas', number: true, cell: frame => fixed(frame.summary?.wcs?.medianResidualMas, 0) },
  { title: 'zero point', number: true, cell: frame => zeroPoint(frame.summary?.calibration) },
  { title: 'seconds', number: true, cell: seconds },
]

function fileOf(frame) {
  return frame.raw.key
}

function seeing(summary) {
  const fwhmPx = summary?.psf?.fwhmPx ?? summary?.seeingPx
  return fixed(fwhmPx * summary?.wcs?.pixelScaleArcsec, 1)
}

function zeroPoint(calibration) {
  if (!calibration) return undefined
  return `${fixed(calibration.zeroPoint, 3)} ± ${fixed(calibration.zeroPointError, 3)}`
}

function bandOf(calibration) {
  return calibration && `${calibration.survey} ${calibration.band}`
}

function seconds(frame) {
  const stages = ['standardise', 'solve', 'measure', 'calibrate'].map(stage => frame[`${stage}Seconds`]).filter(Boolean)
  return stages.length > 0
    ? fixed(
        stages.reduce((sum, s) => sum + s, 0),
        1,
      )
    : undefined
}
