import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import type { Point } from '#events/point.ts'
import { columns, columnsOf } from '#shared/lightcurve/exports.ts'
import { bandColours } from '#shared/lightcurve/plot.ts'

const web = join(import.meta.dirname, '..', '..', 'web')
const page = (name: string) => import(/* @vite-ignore */ join(web, name))
const files = readdirSync(web)
const textOf = (file: string) => readFileSync(join(web, file), 'utf8')

afterEach(() => vi.unstubAllGlobals())

test('the pages load nothing from elsewhere, and everything they load is there', () => {
  for (const file of files.filter(name => /\.(html|js|css)$/.test(name))) {
    const text = textOf(file)
    const foreign = [...text.matchAll(/(?:https?:)?\/\/[\w.-]+/g)].map(([address]) => address)
    expect(
      foreign.filter(address => address.startsWith('http') && !address.includes('www.w3.org')),
      file,
    ).toEqual([])
    const wanted = [...text.matchAll(/(?:src|href)="([\w.-]+)"|from '\.\/([\w.-]+)'/g)].map(
      match => match[1] ?? match[2],
    )
    for (const name of wanted) expect(existsSync(join(web, name)), `${file} wants ${name}`).toBe(true)
  }
})

test('every page is a whole document in a stated language, and every link of the pages leads to one', () => {
  for (const file of files.filter(name => name.endsWith('.html'))) {
    expect(textOf(file)).toMatch(/^<!doctype html>\s*<html lang="en">/)
    expect(textOf(file)).toContain('<meta name="viewport"')
  }
  const scripts = files
    .filter(name => name.endsWith('.js'))
    .map(textOf)
    .join('\n')
  const targets = new Set([...scripts.matchAll(/\b([a-z]+\.html)/g)].map(match => match[1]))
  expect([...targets].sort()).toEqual(['frame.html', 'object.html', 'objects.html', 'run.html'])
  for (const target of targets) expect(files).toContain(target)
})

test('a light curve arrives as points with every quantity that the page shows', async () => {
  const point = { mjdUtcMid: 61100.5, band: 'r', mag: 16.1, magErr: 0.02, detected: true, limit5Sigma: 20, flags: 0 }
  const sent = [
    { ...point, telescope: 'alcor', frameId: 'f'.repeat(64), survey: 'ps1', magSystem: 'AB', zeroPoint: 25 },
  ]
  answer({ object: { objectId: 'X' }, points: columnsOf(sent as unknown as Point[]) })
  const { points } = await (await page('data.js')).object('X')
  expect(points).toHaveLength(1)
  expect(points[0]).toMatchObject({
    mjdUtcMid: 61100.5,
    band: 'r',
    mag: 16.1,
    magErr: 0.02,
    detected: true,
    limit5Sigma: 20,
  })
  expect(points[0]).toMatchObject({ telescope: 'alcor', frameId: 'f'.repeat(64), survey: 'ps1', magSystem: 'AB' })

  const asked = [...textOf('data.js').matchAll(/^ {2}(\w+): '(\w+)',$/gm)].map(match => match[1])
  expect(asked.length).toBeGreaterThan(10)
  for (const name of asked) expect(columns.map(column => column.name)).toContain(name)
})

test('a service that says no is told from one that is not there', async () => {
  const { frame, NoAnswer } = await page('data.js')
  answer({ error: 'no such frame' }, 404)
  await expect(frame('00')).rejects.toMatchObject({ status: 404 })
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed')))
  await expect(frame('00')).rejects.toBeInstanceOf(NoAnswer)
})

test('times, places and magnitudes read as astronomers write them', async () => {
  const { byWavelength, colourOf, magText, nightText, placeText, ticks, utcOf } = await page('numbers.js')
  expect(utcOf(51544.5)).toBe('2000-01-01 12:00:00') // J2000 by definition
  expect(placeText(83.82208, -5.39111)).toBe('05:35:17.30 −05:23:28.0') // the Trapezium
  expect(placeText(359.99999999, 0)).not.toContain('60')
  expect(nightText('20260301')).toBe('2026-03-01')
  expect(magText({ detected: true, mag: 16.1234, magErr: 0.0123 })).toBe('16.123 ± 0.012')
  expect(magText({ detected: false, limit5Sigma: 19.42 })).toBe('> 19.42 (5σ)')
  expect(magText({ detected: false, limit5Sigma: null, reason: 'dead pixels' })).toBe('not measured')
  expect(['z', 'x', 'g', 'r'].sort(byWavelength)).toEqual(['g', 'r', 'z', 'x'])
  expect(ticks(16, 19.2, 4).values).toEqual([16, 17, 18, 19])
  for (const band of ['g', 'r', 'i', 'V']) expect(colourOf(band)).toBe(bandColours[band])
})

function answer(body: unknown, status = 200): void {
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify(body), { status }))
}

test('what a page has not got is left out of it, and is no word on it', async () => {
  vi.stubGlobal('document', { createElement: () => container() })
  const { el, fill } = await page('page.js')
  const main = container()
  fill(main, 'one', undefined, null, false, el('p', {}, undefined, 'two'))
  expect(main.children).toEqual(['one', expect.objectContaining({ children: ['two'] })])
})

/** As much of an element as the pages need to be put together. */
function container() {
  const children: unknown[] = []
  return {
    children,
    setAttribute: () => undefined,
    append: (...more: unknown[]) => void children.push(...more),
    replaceChildren: (...more: unknown[]) => void children.splice(0, children.length, ...more),
  }
}
