import { follow, objects } from './data.js'
import { magText, placeText, utcOf } from './numbers.js'
import { el, fill, openPage, tableOf, trouble } from './page.js'

const main = openPage('Objects')

follow(objects, draw)

function draw(list, _before, error) {
  if (error) return fill(main, trouble(error))
  fill(
    main,
    el('h1', {}, 'Objects'),
    el('p', { class: 'faint' }, 'Every frame that covers one of them is measured there, whether it is seen or not.'),
    list.length === 0 ? el('p', {}, 'No target is registered yet.') : tableOf(columns, list),
  )
}

const columns = [
  {
    title: 'name',
    cell: row => el('a', { href: `object.html?id=${encodeURIComponent(row.objectId)}` }, row.name ?? row.objectId),
  },
  { title: 'position (ICRS)', cell: row => placeText(row.raDeg, row.decDeg) },
  { title: 'points', number: true, cell: row => row.points?.toString() },
  { title: 'latest', cell: row => row.last && `${row.last.band} ${magText(row.last)}` },
  { title: 'seen (UTC)', cell: row => row.last && utcOf(row.last.mjdUtcMid) },
  { title: 'registered', cell: row => row.registeredAt?.slice(0, 10) },
]
