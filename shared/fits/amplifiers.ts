import { median } from '#shared/numeric/robust.ts'
import type { FitsFile, Hdu } from './file.ts'
import { type Card, Header } from './header.ts'
import { axesOf, decodePlane, type Plane } from './image.ts'

/** Part of an image, 0-based, both ends included; `from` beyond `to` where the axis runs backwards. */
interface Section {
  x: { from: number; to: number }
  y: { from: number; to: number }
}

/** One amplifier: what it read, and where on the detector that lies. */
export interface Amplifier {
  hdu: Hdu
  /** Where in its own image the sky is. */
  data: Section
  /** Where in its own image the overscan is; undefined where there is none. */
  overscan: Section | undefined
  /** Where its first pixel goes in the assembled image, and which way its axes run there, 1 or −1. */
  place: { x: number; y: number; stepX: 1 | -1; stepY: 1 | -1 }
  /** Electrons per ADU; undefined where its header does not tell. */
  gain: number | undefined
}

/** How the images of several amplifiers make up the one of their detector. */
export interface AmplifierLayout {
  width: number
  height: number
  amplifiers: Amplifier[]
}

/** Whether a unit is part of a detector read through one amplifier: it says where it lies, or where its overscan is. */
export function isAmplifier({ header }: Hdu): boolean {
  const told = (keyword: string) => sectionOf(header, keyword) !== undefined
  return told('DETSEC') && (told('BIASSEC') || told('DATASEC') || told('AMPSEC'))
}

/**
 * How amplifiers fit together by their DETSEC and TRIMSEC or DATASEC (NOAO's keywords for mosaics); binning is the ratio
 * of the two. Undefined where they do not say it, or leave gaps, or overlap.
 */
export function layoutOf(hdus: Hdu[]): AmplifierLayout | undefined {
  const parts = hdus.flatMap(hdu => {
    const data = sectionOf(hdu.header, 'TRIMSEC') ?? sectionOf(hdu.header, 'DATASEC')
    const detector = sectionOf(hdu.header, 'DETSEC')
    const overscan = sectionOf(hdu.header, 'BIASSEC')
    const within = (section: Section) => lies(section, axesOf(hdu))
    return data && detector && within(data) && (!overscan || within(overscan))
      ? [{ hdu, data, detector, overscan }]
      : []
  })
  if (parts.length < hdus.length) return undefined
  const [first] = parts
  const binX = lengthOf(first.detector.x) / lengthOf(first.data.x)
  const binY = lengthOf(first.detector.y) / lengthOf(first.data.y)
  const left = Math.min(...parts.map(({ detector }) => Math.min(detector.x.from, detector.x.to)))
  const bottom = Math.min(...parts.map(({ detector }) => Math.min(detector.y.from, detector.y.to)))
  const right = Math.max(...parts.map(({ detector }) => Math.max(detector.x.from, detector.x.to)))
  const top = Math.max(...parts.map(({ detector }) => Math.max(detector.y.from, detector.y.to)))
  const [width, height] = [(right - left + 1) / binX, (top - bottom + 1) / binY]
  const area = parts.reduce((sum, { data }) => sum + lengthOf(data.x) * lengthOf(data.y), 0)
  const amplifiers = parts.map(({ hdu, data, detector, overscan }): Amplifier => {
    const [stepX, stepY] = [detector.x, detector.y].map(({ from, to }) => (from <= to ? 1 : -1)) as (1 | -1)[]
    const x = Math.floor((detector.x.from - left) / binX)
    const y = Math.floor((detector.y.from - bottom) / binY)
    const gain = hdu.header.number('GAIN')
    return { hdu, data, overscan, place: { x, y, stepX, stepY }, gain: gain && gain > 0 ? gain : undefined }
  })
  const whole = [binX, binY, width, height].every(Number.isInteger)
  const alike = parts.every(
    ({ data, detector }) =>
      lengthOf(detector.x) === binX * lengthOf(data.x) && lengthOf(detector.y) === binY * lengthOf(data.y),
  )
  return whole && alike && area === width * height && !overlap(amplifiers) ? { width, height, amplifiers } : undefined
}

/** An assembled image: the level of each amplifier's overscan taken off, their gains brought to the mean one. */
export interface Assembled extends Plane {
  /** ADU of the mean gain, one per amplifier. */
  overscansAdu: number[]
  words: string
}

/**
 * Put the amplifiers of a raw frame together.
 * @throws {CpcsError} TruncatedFits, UnsupportedFits, BrokenHeader
 */
export function assemble(file: FitsFile, { width, height, amplifiers }: AmplifierLayout): Assembled {
  const planes = amplifiers.map(({ hdu }) => decodePlane(file, hdu))
  const gain = meanGain(amplifiers)
  const pixels = new Float32Array(width * height)
  const overscansAdu = amplifiers.map((amplifier, k) => {
    const plane = planes[k]
    const factor = gain === undefined ? 1 : amplifier.gain! / gain
    const level = amplifier.overscan ? levelOf(plane, amplifier.overscan) : 0
    place(plane, amplifier, level, factor, pixels, width)
    return level * factor
  })
  const overscan = amplifiers.every(({ overscan }) => overscan)
    ? `overscan (${overscansAdu.map(level => level.toFixed(0)).join(', ')} ADU) taken off`
    : 'no overscan told'
  const gains = gain === undefined ? 'gains not told' : `gains (${amplifiers.map(a => a.gain).join(', ')}) equalised`
  const words = `${amplifiers.length} amplifiers put together; ${overscan}; ${gains}`
  return { width, height, pixels, bitpix: planes[0].bitpix, overscansAdu, words }
}

/**
 * The header of the assembled image: that of the file, with what holds for all amplifiers together before it.
 * @param assembled undefined where only headers are known
 */
export function assembledHeader(primary: Header, { amplifiers }: AmplifierLayout, assembled?: Assembled): Header {
  const cards: Card[] = []
  const gain = meanGain(amplifiers)
  if (gain !== undefined)
    cards.push({ keyword: 'GAIN', value: gain, comment: '[electrons/ADU] mean of the amplifiers' })
  const saturation = primary.number('SATURATE') ?? amplifiers[0].hdu.header.number('SATURATE')
  if (assembled && amplifiers.every(({ overscan }) => overscan)) {
    cards.push({ keyword: 'PEDESTAL', value: 0, comment: 'overscan was taken off' })
    if (saturation) cards.push({ keyword: 'SATURATE', value: saturation - Math.max(...assembled.overscansAdu) })
  }
  return new Header([...cards, ...primary.cards, ...amplifiers[0].hdu.header.cards])
}

function meanGain(amplifiers: Amplifier[]): number | undefined {
  const gains = amplifiers.flatMap(({ gain }) => gain ?? [])
  return gains.length === amplifiers.length ? gains.reduce((sum, gain) => sum + gain, 0) / gains.length : undefined
}

function place(plane: Plane, amplifier: Amplifier, level: number, factor: number, out: Float32Array, width: number) {
  const { data, place } = amplifier
  for (let row = 0; row < lengthOf(data.y); row++) {
    const from = (data.y.from + row) * plane.width + data.x.from
    const to = (place.y + row * place.stepY) * width + place.x
    for (let k = 0; k < lengthOf(data.x); k++) out[to + k * place.stepX] = (plane.pixels[from + k] - level) * factor
  }
}

function levelOf({ pixels, width }: Plane, { x, y }: Section): number {
  const values: number[] = []
  for (let row = y.from; row <= y.to; row++)
    for (let column = x.from; column <= x.to; column++) values.push(pixels[row * width + column])
  return median(values)
}

/** A section such as [1:512,2048:1025], as keywords of NOAO's mosaics write them. */
function sectionOf(header: Header, keyword: string): Section | undefined {
  const match = /^\[\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*\]$/.exec(header.string(keyword) ?? '')
  if (!match) return undefined
  const [x1, x2, y1, y2] = match.slice(1).map(text => Number(text) - 1)
  return { x: { from: x1, to: x2 }, y: { from: y1, to: y2 } }
}

const lengthOf = ({ from, to }: { from: number; to: number }) => Math.abs(to - from) + 1

function lies({ x, y }: Section, [width, height = 1]: number[]): boolean {
  return x.from >= 0 && x.from <= x.to && x.to < width && y.from >= 0 && y.from <= y.to && y.to < height
}

function overlap(amplifiers: Amplifier[]): boolean {
  const boxes = amplifiers.map(({ data, place: { x, y, stepX, stepY } }) => ({
    left: stepX > 0 ? x : x - lengthOf(data.x) + 1,
    bottom: stepY > 0 ? y : y - lengthOf(data.y) + 1,
    width: lengthOf(data.x),
    height: lengthOf(data.y),
  }))
  return boxes.some((a, k) =>
    boxes
      .slice(k + 1)
      .some(
        b =>
          a.left < b.left + b.width &&
          b.left < a.left + a.width &&
          a.bottom < b.bottom + b.height &&
          b.bottom < a.bottom + a.height,
      ),
  )
}
