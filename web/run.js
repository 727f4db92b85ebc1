import { follow, frame, NoAnswer, run } from './data.js'
import { fixed } from './numbers.js'
import { el, fill, openPage, parameter, tableOf, termsOf, trouble } from './page.js'

const execution = parameter('execution')
const frameId = parameter('frame')
const main = openPage('Nights')

follow(load, draw, data => data.run?.status !== undefined && data.run.status !== 'RUNNING')

/** The history where the service shows it (the local cloud does); else what the frame's own row tells. */
async function load() {
  const history = await run(execution).catch(error => {
    if (error instanceof NoAnswer && frameId) return undefined
    throw error
  })
  const rows = frameId ? await frame(frameId).catch(() => undefined) : undefined
  return {
    run: history,
    visits: history?.states,
    row: rows?.runs?.find(row => row.execution === execution),
  }
}

function draw(data, _before, error) {
  if (error) return fill(main, trouble(error))
  const { run: history, visits = [], row } = data
  fill(
    main,
    el('h1', {}, 'Run ', el('code', {}, execution)),
    frameId ? el('p', {}, el('a', { href: `frame.html?id=${frameId}` }, 'Its frame')) : '',
    termsOf([
      ['status', history?.status ?? row?.outcome ?? 'running'],
      ['machine', history?.machine],
      ['started', timeOf(history?.startedAt) ?? row?.receivedAt],
      ['took', history?.endedAt && `${fixed((history.endedAt - history.startedAt) / 1000, 2)} s`],
      ['redriven', history?.redriveCount > 0 && `${history.redriveCount} times`],
      ['error', history?.error ?? row?.error],
      ['because', history?.cause ?? row?.reason],
    ]),
    ...(history ? [timeline(history, visits), ...visits.map(visitDetails)] : rowOnly(row)),
  )
}

function timeOf(milliseconds) {
  return milliseconds && new Date(milliseconds).toISOString().replace('T', ' ').slice(0, 23)
}

/** One bar per state on a common scale of time. */
function timeline(history, visits) {
  const end =
    history.endedAt ?? Math.max(history.startedAt + 1, ...visits.map(visit => visit.leftAt ?? visit.enteredAt))
  const share = at => (100 * (at - history.startedAt)) / Math.max(1, end - history.startedAt)
  const columns = [
    { title: 'state', cell: visit => el('a', { href: `#${visit.state}` }, visit.state) },
    { title: 'tries', number: true, cell: visit => String(visit.attempts ?? 1) },
    {
      title: 'seconds',
      number: true,
      cell: visit => visit.leftAt && fixed((visit.leftAt - visit.enteredAt) / 1000, 3),
    },
    {
      title: 'time',
      wide: true,
      cell: visit => {
        const left = share(visit.enteredAt)
        const width = Math.max(0.6, share(visit.leftAt ?? end) - left)
        const colour = visit.error ? 'var(--bad)' : 'var(--link)'
        return el('div', {
          style: `margin-left: ${left}%; width: ${width}%; height: 1.1em; border-radius: 3px; background: ${colour}`,
        })
      },
    },
    { title: 'error', cell: visit => visit.error ?? '' },
  ]
  return tableOf(columns, visits)
}

function visitDetails(visit) {
  const json = value => el('pre', { tabindex: 0 }, JSON.stringify(value, null, 2) ?? '')
  return el(
    'section',
    { id: visit.state },
    el('h2', {}, visit.state, ' ', el('small', {}, `${visit.kind}, entered ${timeOf(visit.enteredAt)}`)),
    visit.error ? el('div', { class: 'notice failed' }, el('b', {}, visit.error), el('br'), visit.cause ?? '') : '',
    el(
      'div',
      { class: 'two' },
      el('details', {}, el('summary', {}, 'input'), json(visit.input)),
      el(
        'details',
        {},
        el('summary', {}, 'output'),
        visit.output === undefined ? el('p', { class: 'faint' }, 'none (yet)') : json(visit.output),
      ),
    ),
  )
}

function rowOnly(row) {
  if (!row) return [el('p', {}, 'This run is not known here.')]
  const seconds = ['standardise', 'solve', 'measure', 'calibrate'].map(stage => [
    `${stage} [s]`,
    fixed(row[`${stage}Seconds`], 2),
  ])
  return [
    el('p', { class: 'faint' }, 'The history of its states is in the console of Step Functions.'),
    termsOf([['status', row.status], ...seconds]),
  ]
}
