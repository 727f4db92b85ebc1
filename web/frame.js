import { follow, frame, product, productUrl } from './data.js'
import { fixed, magText, nightText, utcOf } from './numbers.js'
import { el, fill, openPage, outcomeOf, parameter, tableOf, termsOf, trouble } from './page.js'

const STAGES = ['standardise', 'solve', 'measure', 'calibrate', 'record']
const STATUS = ['received', 'standardised', 'solved', 'measured', 'calibrated', 'recorded']

// What can be fetched of a frame, in the order of use.
const FILES = [
  ['catalogue.ecsv', 'catalogue of all stars, text'],
  ['catalogue.fits', 'the same, FITS table'],
  ['frame.fits', 'the frame with its solution'],
  ['residual.fits', 'the frame with all stars subtracted'],
  ['report.json', 'the report'],
  ['points.json', 'the points'],
]

const id = parameter('id')
const main = openPage('Nights')

follow(load, draw, data => data.run.outcome !== undefined)

async function load() {
  const { runs, files } = await frame(id)
  const run = runs.findLast(one => one.outcome !== 'duplicate') ?? runs.at(-1)
  const [report, points] = run.outcome
    ? await Promise.all(['report.json', 'points.json'].map(file => files.includes(file) && product(id, file)))
    : []
  return { runs, run, files, report: report || undefined, points: points || undefined }
}

function draw({ runs, run, files, report, points } = {}, _before, error) {
  if (error) return fill(main, trouble(error))
  const header = report?.frame
  document.title = `${fileOf(run)} · CPCS`
  const has = file => files.includes(file)
  fill(
    main,
    el('h1', {}, fileOf(run)),
    el(
      'p',
      { class: 'faint' },
      `${run.telescope}, night of `,
      el('a', { href: `./#${run.night}` }, nightText(run.night)),
      ` · ${run.raw.key} · `,
      el('code', {}, run.frameId.slice(0, 16)),
    ),
    el('p', {}, outcomeOf(run), run.outcome === 'calibrated' && points ? `: ${pointWords(points)}` : ''),
    ...reason(run),
    stages(run),
    ...(run.outcome ? pictures(run, has) : []),
    ...(points?.length > 0 ? [el('h2', {}, 'Points'), tableOf(pointColumns, points), ...unmeasured(points)] : []),
    ...(report
      ? [el('h2', {}, 'Downloads'), downloads(has), el('div', { class: 'two' }, solution(report), calibration(report))]
      : []),
    ...(header
      ? [
          el('h2', {}, 'Header ', el('small', {}, 'and where each value came from')),
          headerTable(header, report.provenance),
        ]
      : []),
    ...(runs.length > 1 ? [el('h2', {}, 'Runs'), runsTable(runs)] : []),
  )
}

function fileOf(run) {
  return run.raw.key.split('/').pop()
}

function pointWords(points) {
  return points.map(point => `${point.objectId} ${point.band} ${magText(point)}`).join(', ')
}

function reason(run) {
  if (!run.reason) return []
  const title = run.outcome === 'failed' ? `Failed in ${run.stage}` : `Ended in ${run.stage}`
  return [el('div', { class: `notice ${run.outcome}` }, el('b', {}, `${title}: ${run.error}`), el('br'), run.reason)]
}

function stages(run) {
  const reached = STATUS.indexOf(run.status)
  const items = STAGES.map((stage, k) => {
    const seconds = run[`${stage}Seconds`]
    const done = reached > k || (stage === 'record' && run.outcome !== undefined && run.error === undefined)
    const here = run.stage === stage && !done
    const kind = done ? 'done' : here ? (run.outcome === 'failed' ? 'failed' : run.outcome ? 'ended' : 'now') : ''
    const words = done
      ? seconds === undefined
        ? 'done'
        : `${fixed(seconds, 2)} s`
      : here
        ? (run.outcome ?? 'working…')
        : '–'
    return el('li', { class: kind }, el('b', {}, stage), words)
  })
  return el(
    'div',
    {},
    el('ol', { class: 'stages' }, ...items),
    el('p', {}, el('a', { href: runUrl(run) }, 'The run in detail')),
  )
}

function isMeasured(run) {
  return STATUS.indexOf(run.status) >= STATUS.indexOf('measured')
}

function runUrl(run) {
  return `run.html?execution=${encodeURIComponent(run.execution)}&frame=${run.frameId}`
}

function pictures(run, has) {
  const figure = (file, caption) => {
    if (!has(file)) return undefined
    const url = productUrl(run.frameId, file)
    const image = el('img', { src: url, alt: caption, loading: 'lazy' })
    return el('figure', {}, el('a', { href: url }, image), el('figcaption', {}, caption))
  }
  return [
    el(
      'div',
      { class: 'two' },
      figure(
        'preview.png',
        isMeasured(run) ? 'The frame: measured stars ringed, targets marked' : 'The frame as far as it came',
      ),
      figure('calibration.png', 'Residuals of the calibration against magnitude, colour and place'),
    ),
    figure('candidates.png', 'All candidates of survey and band, best first, with their residuals against colour'),
  ]
}

const pointColumns = [
  {
    title: 'object',
    cell: point => el('a', { href: `object.html?id=${encodeURIComponent(point.objectId)}` }, point.objectId),
  },
  { title: 'band', cell: point => `${point.band} (${point.survey}, ${point.magSystem})` },
  { title: 'magnitude', number: true, cell: magText },
  { title: '± random', number: true, cell: point => fixed(point.magErrRandom, 4) },
  { title: '± zero point', number: true, cell: point => fixed(point.magErrZeroPoint, 4) },
  { title: 'natural', number: true, cell: point => fixed(point.magNatural, 3) },
  { title: 'colour', cell: colourWords },
  { title: 'flux / σ', number: true, cell: point => fixed(point.flux / point.fluxErr, 1) },
  { title: '3σ limit', number: true, cell: point => fixed(point.limit3Sigma, 2) },
  { title: '5σ limit', number: true, cell: point => fixed(point.limit5Sigma, 2) },
  { title: 'middle (UTC)', cell: point => utcOf(point.mjdUtcMid) },
]

/** Targets on the frame that got no flux, and why. */
function unmeasured(points) {
  return points
    .filter(point => point.reason)
    .map(point =>
      el('div', { class: 'notice' }, el('b', {}, `${point.objectId} was not measured`), el('br'), point.reason),
    )
}

const colourFrom = { points: 'own points', catalogue: 'catalogue', assumed: 'assumed' }

/** The colour that the colour term was applied with, and where it came from. */
function colourWords({ colour, targetColour, targetColourErr, targetColourFrom }) {
  if (typeof targetColour !== 'number') return undefined
  return `${colour} ${fixed(targetColour, 2)} ± ${fixed(targetColourErr, 2)} (${colourFrom[targetColourFrom]})`
}

function downloads(has) {
  const links = FILES.filter(([file]) => has(file)).map(([file, words]) =>
    el('a', { class: 'button', href: productUrl(id, file), download: file, title: words }, file),
  )
  return el('p', { class: 'bar' }, ...links)
}

function solution({ wcs, psf }) {
  if (!wcs) return ''
  return el(
    'section',
    {},
    el('h2', {}, 'Where it points, and its stars'),
    termsOf([
      ['centre', `${fixed(wcs.raDeg, 5)} ${fixed(wcs.decDeg, 5)}`],
      [
        'scale',
        `${fixed(wcs.pixelScaleArcsec, 4)}″ per pixel, turned ${fixed(wcs.rotationDeg, 2)}°${wcs.parity < 0 ? ', mirrored' : ''}`,
      ],
      ['field', `${fixed(wcs.fieldWidthDeg * 60, 1)}′ × ${fixed(wcs.fieldHeightDeg * 60, 1)}′`],
      [
        'matched',
        `${wcs.matchedStars} stars of ${wcs.survey}, median residual ${fixed(wcs.medianResidualMas, 0)} mas (${fixed(wcs.medianResidualPx, 3)} pixel)`,
      ],
      ['distortion', `order ${wcs.sipOrder}`],
      [
        'star shape',
        psf &&
          `${psf.kind}, FWHM ${fixed(psf.fwhmPx, 2)} pixel = ${fixed(psf.fwhmPx * wcs.pixelScaleArcsec, 2)}″, elongation ${fixed(psf.elongation, 2)}, from ${psf.stars} stars`,
      ],
    ]),
  )
}

function calibration({ calibration: result }) {
  if (!result) return ''
  const same = (a, b) => b && a.survey === b.survey && a.band === b.band && a.colour === b.colour
  const others = (result.candidates ?? []).filter(row => !same(row, result.chosen)).sort((a, b) => a.score - b.score)
  const candidates = [...(result.chosen ? [result.chosen] : []), ...others].slice(0, 8)
  return el(
    'section',
    {},
    el('h2', {}, 'Calibration ', el('small', {}, result.ambiguous ? 'survey and band could not be told apart' : '')),
    tableOf(candidateColumns, candidates, row => ({ class: same(row, result.chosen) ? 'chosen' : undefined })),
  )
}

const termFrom = { frame: 'this frame', both: 'this and earlier frames', memory: 'earlier frames', none: 'none' }

const candidateColumns = [
  { title: 'survey', cell: row => row.survey },
  { title: 'band', cell: row => row.band },
  { title: 'colour', cell: row => row.colour },
  { title: 'zero point', number: true, cell: row => `${fixed(row.zeroPoint, 3)} ± ${fixed(row.zeroPointError, 3)}` },
  { title: 'colour term', number: true, cell: row => `${fixed(row.colourTerm, 3)} ± ${fixed(row.colourTermError, 3)}` },
  { title: 'scatter', number: true, cell: row => fixed(row.scatter, 3) },
  { title: 'stars', number: true, cell: row => String(row.stars) },
  { title: 'term from', cell: row => termFrom[row.colourTermFrom] ?? '' },
]

function headerTable(header, provenance = {}) {
  const rows = Object.entries(header).map(([name, value]) => ({ name, value, from: provenance[name] }))
  return tableOf(
    [
      { title: 'value', cell: row => row.name },
      {
        title: '',
        words: true,
        cell: row =>
          row.value === null
            ? el('span', { class: 'faint' }, 'not known')
            : typeof row.value === 'object'
              ? fieldsText(row.value)
              : String(row.value),
      },
      { title: 'from', cell: row => row.from && el('code', {}, row.from.from) },
      { title: 'confidence', cell: row => row.from?.confidence },
      {
        title: 'done to it',
        words: true,
        cell: row => [row.from?.conversion, row.from?.conflict].filter(Boolean).join('; '),
      },
    ],
    rows,
  )
}

/** '1, 1' of a list, 'raDeg 161.26, decDeg 11.7' of a record: with blanks, so that it can wrap. */
function fieldsText(value) {
  if (Array.isArray(value)) return value.join(', ')
  const shown = part => (typeof part === 'number' ? String(Number(part.toPrecision(9))) : String(part))
  return Object.entries(value)
    .map(([name, part]) => `${name} ${shown(part)}`)
    .join(', ')
}

function runsTable(runs) {
  return tableOf(
    [
      { title: 'outcome', cell: outcomeOf },
      { title: 'execution', cell: run => el('a', { href: runUrl(run) }, run.execution) },
      { title: 'version', cell: run => run.pipelineVersion },
      { title: 'received', cell: run => run.receivedAt?.slice(0, 19).replace('T', ' ') },
      { title: 'key', cell: run => run.raw?.key },
    ],
    runs,
  )
}
