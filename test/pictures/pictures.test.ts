import { PNG } from 'pngjs'
import { expect, test } from 'vitest'
import { drawCalibration } from '#shared/calibration/plot.ts'
import { niceTicks, Panel } from '#shared/image/axes.ts'
import { Canvas, textWidth } from '#shared/image/canvas.ts'
import { strokesOf } from '#shared/image/font.ts'
import type { Frame } from '#shared/image/frame.ts'
import { drawPreview } from '#shared/image/preview.ts'
import { drawLightCurve } from '#shared/lightcurve/plot.ts'

test('a disc covers π r² pixels, a ring its circumference times its width, wherever they are centred', () => {
  for (const [x, y] of [
    [50, 50],
    [50.37, 49.81],
  ]) {
    const disc = new Canvas(100, 100, '#000000')
    disc.disc(x, y, 20, { colour: '#ffffff' })
    expect(ink(disc) / (Math.PI * 20 ** 2)).toBeCloseTo(1, 2)

    const ring = new Canvas(100, 100, '#000000')
    ring.circle(x, y, 20, { colour: '#ffffff', widthPx: 3 })
    expect(ink(ring) / (2 * Math.PI * 20 * 3)).toBeCloseTo(1, 2)
  }
})

test('a stroke covers its length times its width and its round ends, at any slope', () => {
  for (const angle of [0, 0.3, 0.8, 1.5]) {
    const canvas = new Canvas(120, 120, '#000000')
    const [dx, dy] = [40 * Math.cos(angle), 40 * Math.sin(angle)]
    canvas.line(60 - dx, 60 - dy, 60 + dx, 60 + dy, { colour: '#ffffff', widthPx: 4 })
    expect(ink(canvas) / (80 * 4 + Math.PI * 2 ** 2)).toBeCloseTo(1, 1)
  }
})

test('drawing outside the picture or the clip changes nothing', () => {
  const canvas = new Canvas(40, 30, '#000000')
  canvas.line(-50, -10, -3, 60, { colour: '#ffffff' })
  canvas.text(200, 10, 'far away', { colour: '#ffffff' })
  canvas.within(10, 10, 5, 5, () => canvas.disc(30, 20, 5, { colour: '#ffffff' }))
  expect(ink(canvas)).toBe(0)
})

test('every printable letter has a shape of its own, inside its box', () => {
  const letters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).concat(...'°±−σΔ×→·″')
  const shapes = new Map<string, string>()
  for (const letter of letters) {
    const strokes = strokesOf(letter)
    expect(strokes.length, letter).toBeGreaterThan(0)
    expect(Math.max(...strokes), letter).toBeLessThanOrEqual(8)
    shapes.set(letter, strokes.join())
  }
  const twins = letters.filter(letter =>
    letters.some(other => other !== letter && shapes.get(other) === shapes.get(letter)),
  )
  expect(twins).toEqual(['"', '″'])
})

test('ticks are round numbers inside the axis, whichever end is up', () => {
  expect(niceTicks(14, 19.2, 5).map(tick => tick.text)).toEqual(['14', '16', '18'])
  expect(niceTicks(0.1, -0.1, 4).map(tick => tick.text)).toEqual(['−0.10', '−0.05', '0.00', '0.05', '0.10'])
  expect(niceTicks(3, 3, 5)).toEqual([])
})

test('a magnitude axis has the bright end up', () => {
  const panel = new Panel(new Canvas(10, 10), {
    x: 0,
    y: 0,
    width: 100,
    height: 100,
    left: 0,
    right: 1,
    top: 15,
    bottom: 20,
  })
  expect(panel.py(16)).toBeLessThan(panel.py(19))
})

test('the preview shows row 0 at the bottom and every star where it is', () => {
  const frame = emptySky(300, 200)
  frame.pixels[10 * 300 + 40] += 1e5
  const picture = PNG.sync.read(Buffer.from(drawPreview(frame)))
  expect([picture.width, picture.height]).toEqual([300, 200])
  expect(brightest(picture)).toEqual([40, 199 - 10])
})

test('a large frame is averaged down to a picture of at most a thousand pixels, marks with it', () => {
  const frame = emptySky(2500, 1300)
  for (let y = 600; y < 603; y++) for (let x = 900; x < 903; x++) frame.pixels[y * 2500 + x] += 1e5
  const picture = PNG.sync.read(Buffer.from(drawPreview(frame)))
  expect([picture.width, picture.height]).toEqual([834, 434])
  expect(brightest(picture)).toEqual([300, 433 - 200])

  const marked = PNG.sync.read(Buffer.from(drawPreview(frame, { targets: [{ name: 'here', x: 901, y: 601 }] })))
  const orange = coloured(marked, (r, g, b) => r > 200 && g > 130 && b < 60)
  expect(mean(orange.map(([x]) => x)) - 300).toBeGreaterThan(0) // the name stands to the right
  expect(Math.min(...orange.map(([x]) => x))).toBeCloseTo(300 - 20, -0.5)
})

test('pixels without a value are told from the sky, and a frame with none but those still makes a picture', () => {
  const frame = emptySky(50, 50)
  frame.pixels.fill(Number.NaN)
  const picture = PNG.sync.read(Buffer.from(drawPreview(frame)))
  const [red, green, blue] = picture.data
  expect(red).toBeGreaterThan(2 * Math.max(green, blue))
})

test('a picture reads back by another program: exactly where it has few colours, closely where it has many', () => {
  const few = new Canvas(64, 48, '#ffffff')
  few.fill(3, 4, 20, 10, { colour: '#000000' })
  few.fill(30, 4, 9, 9, { colour: '#ff0000' })
  expect(rgbOf(PNG.sync.read(Buffer.from(few.png())))).toEqual([...few.rgb])

  const many = new Canvas(64, 64, '#000000')
  for (let i = 0; i < many.rgb.length; i++) many.rgb[i] = (i * 73) % 256
  const read = rgbOf(PNG.sync.read(Buffer.from(many.png())))
  const worst = read.reduce((most, value, i) => Math.max(most, Math.abs(value - many.rgb[i])), 0)
  expect(worst).toBeLessThan(40)
})

test('the same data make the same bytes, and no data make a picture too', () => {
  const data = {
    title: 'ZP',
    mag: [15, 16],
    colour: [0.5, 0.6],
    x: [1, 2],
    y: [3, 4],
    residual: [0.01, -0.01],
    used: [true, false],
  }
  expect(drawCalibration(data)).toEqual(drawCalibration(data))
  const nothing = { title: 'no stars', mag: [], colour: [], x: [], y: [], residual: [], used: [] }
  expect(PNG.sync.read(Buffer.from(drawCalibration(nothing))).width).toBe(1000)
  expect(PNG.sync.read(Buffer.from(drawLightCurve([]))).width).toBe(1000)
  expect(textWidth('mmmm', 12)).toBe(2 * textWidth('mmmm', 6))
})

function emptySky(width: number, height: number): Frame {
  const pixels = Float32Array.from({ length: width * height }, (_, i) => 500 + ((i * 7919) % 13))
  const detector = { gainElectronsPerAdu: 1, readNoiseElectrons: 5, saturationAdu: 60_000, pedestalAdu: 0 }
  return { width, height, pixels, mask: new Uint8Array(width * height), detector }
}

/** Sum of the first channel in units of full white. */
function ink(canvas: Canvas): number {
  let sum = 0
  for (let i = 0; i < canvas.rgb.length; i += 3) sum += canvas.rgb[i]
  return sum / 255
}

function rgbOf(picture: PNG): number[] {
  return [...picture.data].filter((_, i) => i % 4 < 3)
}

function brightest(picture: PNG): [number, number] {
  let best = 0
  for (let i = 0; i < picture.data.length; i += 4) if (picture.data[i] > picture.data[best]) best = i
  return [(best / 4) % picture.width, Math.floor(best / 4 / picture.width)]
}

function coloured(picture: PNG, chosen: (r: number, g: number, b: number) => boolean): [number, number][] {
  const found: [number, number][] = []
  for (let i = 0; i < picture.data.length; i += 4) {
    if (!chosen(picture.data[i], picture.data[i + 1], picture.data[i + 2])) continue
    found.push([(i / 4) % picture.width, Math.floor(i / 4 / picture.width)])
  }
  return found
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
