import { follow, lightCurveUrl, object } from './data.js'
import { LightCurve } from './light-curve.js'
import { byWavelength, colourOf, fixed, magText, placeText, utcOf } from './numbers.js'
import { el, openPage, parameter, svg, tableOf, termsOf, trouble } from './page.js'

const FORMATS = ['csv', 'json', 'votable', 'aavso']

const id = parameter('id')
const main = openPage('Objects')
const state = readAddress()
const rows = new Map()
const heading = el('div')
const choices = el('div', { class: 'bar' })
const table = el('div')
const curve = new LightCurve({
  hover: point => lightRow(point),
  choose: point => location.assign(`frame.html?id=${point.frameId}`),
  moved: view => writeAddress({ view }),
})
let points = []

curve.view = state.view
follow(() => object(id), draw)

function draw(data, before, error) {
  if (error) return main.replaceChildren(trouble(error))
  if (!before) {
    const hint = el(
      'p',
      { class: 'faint' },
      'Wheel zooms once the plot has the focus, drag moves, double click shows all; a click on a point opens its frame.',
    )
    main.replaceChildren(heading, choices, curve.element, hint, downloads(), el('h2', {}, 'Points'), table)
  }
  points = [...data.points].sort((a, b) => a.mjdUtcMid - b.mjdUtcMid)
  document.title = `${data.object.name ?? id} · CPCS`
  heading.replaceChildren(el('h1', {}, data.object.name ?? id), facts(data.object))
  drawChoices()
  curve.show(points, state)
  drawTable(new Set((before ?? data).points.map(point => point.pointId)))
}

function facts(row) {
  const measured = points.filter(point => !point.reason)
  const seen = measured.filter(point => point.detected)
  const last = measured.at(-1)
  const without = points.length - measured.length
  return termsOf([
    ['position (ICRS)', `${placeText(row.raDeg, row.decDeg)}   ${fixed(row.raDeg, 6)} ${fixed(row.decDeg, 6)}`],
    [
      'points',
      `${seen.length} measured, ${measured.length - seen.length} limits${without > 0 ? `, ${without} without a measurement` : ''}`,
    ],
    ['latest', last && `${last.band} ${magText(last)} at ${utcOf(last.mjdUtcMid)} UTC, ${last.telescope}`],
  ])
}

function drawChoices() {
  const bands = [...new Set(points.map(point => point.band))].sort(byWavelength)
  const telescopes = LightCurve.telescopes(points)
  const toggle = (key, label) => {
    const pressed = !state.hidden.has(key)
    const flip = () => {
      if (pressed) state.hidden.add(key)
      else state.hidden.delete(key)
      change({})
    }
    return el('button', { 'aria-pressed': String(pressed), onclick: flip }, ...label)
  }
  const swatch = band => el('span', { class: 'swatch', style: `background: ${colourOf(band)}` })
  const sign = place =>
    svg(
      'svg',
      { viewBox: '-7 -7 14 14', width: 14, height: 14, class: 'spark' },
      LightCurve.sign(place, 'currentColor'),
    )
  const choice = (title, options, chosen, set) =>
    el(
      'span',
      { class: 'choice', role: 'group', 'aria-label': title },
      ...options.map(([value, text]) =>
        el('button', { 'aria-pressed': String(value === chosen), onclick: () => set(value) }, text),
      ),
    )
  const ab = points.every(point => point.magSystem === undefined || point.magSystem === 'AB')
  choices.replaceChildren(
    ...bands.map(band => toggle(band, [swatch(band), band])),
    ...telescopes.map((name, place) => toggle(name, [sign(place), ` ${name}`])),
    el(
      'button',
      { 'aria-pressed': String(state.limits), onclick: () => change({ limits: !state.limits }) },
      '▽ limits',
    ),
    el('span', { class: 'gap' }),
    ab &&
      choice(
        'Unit',
        [
          ['mag', 'magnitude'],
          ['flux', 'flux'],
        ],
        state.unit,
        unit => {
          curve.view = undefined
          change({ unit, view: undefined })
        },
      ),
    choice(
      'Time',
      [
        ['mjd', 'MJD'],
        ['utc', 'UTC'],
      ],
      state.time,
      time => change({ time }),
    ),
    el(
      'button',
      {
        onclick: () => {
          curve.view = undefined
          change({ view: undefined })
        },
      },
      'show all',
    ),
  )
}

function change(what) {
  writeAddress(what)
  drawChoices()
  curve.show(points, state)
}

function drawTable(known) {
  rows.clear()
  const shown = [...points].reverse()
  table.replaceChildren(
    tableOf(columns, shown, point => ({
      class: known.has(point.pointId) ? undefined : 'fresh',
      tabindex: 0,
      'data-point': point.pointId,
      onmouseenter: () => curve.mark(point),
      onmouseleave: () => curve.mark(undefined),
      onfocus: () => curve.mark(point),
      onkeydown: event => event.key === 'Enter' && location.assign(`frame.html?id=${point.frameId}`),
    })),
  )
  for (const row of table.querySelectorAll('tbody tr')) rows.set(row.dataset.point, row)
}

const columns = [
  {
    title: 'UTC (middle), frame',
    cell: point => el('a', { href: `frame.html?id=${point.frameId}` }, utcOf(point.mjdUtcMid)),
  },
  { title: 'MJD', number: true, cell: point => fixed(point.mjdUtcMid, 6) },
  { title: 'band', cell: bandCell },
  { title: 'magnitude', number: true, cell: magText },
  { title: '5σ limit', number: true, cell: point => fixed(point.limit5Sigma, 2) },
  { title: 'zero point (stars)', number: true, cell: zeroPointText },
  { title: 'telescope', cell: point => point.telescope },
  {
    title: 'flags',
    words: true,
    cell: point => el('small', {}, [point.reason, point.flagNames.replaceAll(' ', ', ')].filter(Boolean).join(' ')),
  },
]

function bandCell({ survey, band }) {
  return el('span', {}, el('span', { class: 'swatch', style: `background: ${colourOf(band)}` }), `${band} (${survey})`)
}

function zeroPointText({ zeroPoint, zeroPointError, calibrators }) {
  if (zeroPoint === null) return undefined
  return `${fixed(zeroPoint, 3)} ± ${fixed(zeroPointError, 3)} (${calibrators})`
}

function lightRow(point) {
  for (const row of table.querySelectorAll('tr.chosen')) row.classList.remove('chosen')
  if (point) rows.get(point.pointId)?.classList.add('chosen')
}

function downloads() {
  const links = FORMATS.map(format =>
    el('a', { class: 'button', href: lightCurveUrl(id, format), download: `${id}.${format}` }, format),
  )
  const superseded = el(
    'a',
    {
      class: 'button',
      href: `${lightCurveUrl(id, 'csv')}&versions=all`,
      download: `${id}-all-versions.csv`,
      title: 'Points of earlier versions of the pipeline as well; the column pipeline_version tells them apart',
    },
    'csv with superseded points',
  )
  return el('p', { class: 'bar' }, 'Download, all columns: ', ...links, superseded)
}

/** What is looked at stands in the address, so that a link shows the same. */
function readAddress() {
  const text = name => parameter(name)
  const view = text('view')?.split(',').map(Number)
  return {
    unit: text('unit') === 'flux' ? 'flux' : 'mag',
    time: text('time') === 'utc' ? 'utc' : 'mjd',
    hidden: new Set(text('hidden')?.split(',') ?? []),
    limits: text('limits') !== 'no',
    view: view?.length === 4 && view.every(Number.isFinite) ? view : undefined,
  }
}

function writeAddress(what) {
  Object.assign(state, what)
  const address = new URLSearchParams({ id })
  if (state.unit !== 'mag') address.set('unit', state.unit)
  if (state.time !== 'mjd') address.set('time', state.time)
  if (state.hidden.size > 0) address.set('hidden', [...state.hidden].join(','))
  if (!state.limits) address.set('limits', 'no')
  if (state.view) address.set('view', state.view.map(value => value.toFixed(4)).join(','))
  history.replaceState(null, '', `?${address}`)
}
