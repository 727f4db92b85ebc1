/** What all pages share: the head with its links, and making elements. */

const SECTIONS = [
  ['Nights', './'],
  ['Objects', 'objects.html'],
]

/** Draw the head of the page and hand back the place for its content. */
export function openPage(section) {
  const links = SECTIONS.map(([title, href]) =>
    el('a', { href, 'aria-current': title === section ? 'page' : undefined }, title),
  )
  const head = el(
    'header',
    {},
    el('strong', {}, 'CPCS'),
    el('nav', {}, ...links),
    el('span', { id: 'pulse', role: 'status' }),
  )
  document.body.prepend(head)
  const main = document.querySelector('main')
  main.replaceChildren(el('p', { class: 'faint' }, 'Loading…'))
  return main
}

/** The value of a parameter in the page's address. */
export function parameter(name) {
  return new URLSearchParams(location.search).get(name)
}

/** An element with attributes (undefined ones left out, on… as listeners) and children (undefined ones left out). */
export function el(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children)
}

/** The same for drawings. */
export function svg(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children)
}

/** Put children in the place of those that an element has; what is not there is left out. */
export function fill(element, ...children) {
  element.replaceChildren(...present(children))
}

function present(children) {
  return children.filter(child => child !== undefined && child !== null && child !== false)
}

function furnish(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...present(children))
  return element
}

/**
 * A table from column descriptions {title, cell(row), number?, words?, wide?} and rows; `attributes(row)` go on its tr,
 * `note(row)` is a sentence below the row, across the table.
 */
export function tableOf(columns, rows, attributes = () => ({}), note = () => undefined) {
  const classOf = column => ['number', 'words', 'wide'].find(kind => column[kind])
  const head = el('tr', {}, ...columns.map(column => el('th', { class: classOf(column), scope: 'col' }, column.title)))
  const body = rows.flatMap(row => {
    const cells = columns.map(column => el('td', { class: classOf(column) }, column.cell(row) ?? '–'))
    const words = note(row)
    const below = words && el('tr', { class: 'note' }, el('td', { colspan: columns.length }, el('span', {}, words)))
    return [el('tr', { ...attributes(row), 'data-noted': Boolean(words) }, ...cells), ...(below ? [below] : [])]
  })
  return el('div', { class: 'scroll' }, el('table', {}, el('thead', {}, head), el('tbody', {}, ...body)))
}

/** A list of terms and values; pairs without a value are left out. */
export function termsOf(pairs) {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== null && value !== false && value !== '')
  return el('dl', {}, ...shown.flatMap(([term, value]) => [el('dt', {}, term), el('dd', {}, value)]))
}

/** How a frame ended, with a sign that does not need colour. */
export function outcomeOf(frame) {
  const word = frame.outcome ?? 'running'
  return el('span', { class: `outcome ${word}` }, frame.outcome ?? frame.status ?? 'received')
}

export function trouble(error) {
  const words =
    error.status === 404 ? 'There is no such thing here (yet).' : `${error.message}. The page asks again by itself.`
  return el('p', { class: 'notice' }, words)
}
