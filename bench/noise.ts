/**
 * Whether the noise is true that later stages reckon with where a header tells neither gain nor read noise.
 *
 *     node bench/noise.ts --frames DIR [--seeds 5] [--out FILE]
 *
 * DIR holds `<preset>-<seed>/frame.fits` and `truth.json` as `bench/run.ts --frames DIR` makes them. Gain and read noise
 * are taken out of each header, in a second run the pedestal too; the standardised frame's variance
 * (level − pedestal) / gain + (read noise / gain)² is held against what the simulator drew, rounding to whole ADU included.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { standardFrame } from '#functions/standardise/standardise.ts'
import { openFits } from '#shared/fits/file.ts'
import { encodeHeader } from '#shared/fits/header.ts'
import { concatenate } from '#shared/fits/table.ts'
import { flagNames } from '#shared/flags.ts'
import { figure, machineInWords, resultsFile, table, writeSection } from './page.ts'

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '' },
    presets: {
      type: 'string',
      default: 'typical,sparse,crowded,wide,undersampled,defocus,brightsky,host,v1490cyg,trailed',
    },
    seeds: { type: 'string', default: '5' },
    out: { type: 'string', default: resultsFile },
  },
})

interface Truth {
  params: { gain: number; rdnoise: number; pedestal: number; sky: number; nebula: number; sat: number; dialect: string }
}

const LEVELS = [0, 0.25, 0.5, 0.75, 1] // from the sky to half of saturation, in equal ratios

/** The file without the cards of these keywords. */
function without(bytes: Uint8Array, keywords: RegExp): Uint8Array {
  const [primary] = openFits(bytes).hdus
  const cards = primary.header.cards.filter(({ keyword }) => !keywords.test(keyword))
  return concatenate([encodeHeader(cards), bytes.subarray(primary.dataStart)])
}

/** Predicted variance over the true one at each level, and how the frame was flagged. */
function ratios(bytes: Uint8Array, { params }: Truth) {
  const { header } = standardFrame(bytes)
  const { gainElectronsPerAdu: g, readNoiseElectrons, pedestalAdu } = header
  const sky = params.pedestal + params.sky * (1 + params.nebula)
  const at = LEVELS.map(share => {
    const level = sky * (params.sat / 2 / sky) ** share
    const predicted = (level - pedestalAdu) / g + (readNoiseElectrons / g) ** 2
    const truth = (level - params.pedestal) / params.gain + (params.rdnoise / params.gain) ** 2 + 1 / 12
    return predicted / truth
  })
  return { at, flagged: flagNames(header.flags).includes('gainEstimated') }
}

const worst = (numbers: number[]) => Math.max(...numbers.map(ratio => Math.abs(ratio - 1)))
const rows: string[][] = []
const all = { pedestalKept: [] as number[], nothingTold: [] as number[] }
for (const preset of values.presets.split(','))
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    const folder = join(values.frames, `${preset}-${seed}`)
    if (!existsSync(join(folder, 'truth.json'))) throw new Error(`no ${folder}: make it with bench/run.ts`)
    const truth = JSON.parse(readFileSync(join(folder, 'truth.json'), 'utf8')) as Truth
    const bytes = readFileSync(join(folder, 'frame.fits'))
    const kept = ratios(without(bytes, /^(E?GAIN|RDNOISE)$/), truth)
    const telling = openFits(bytes).hdus[0].header.has('PEDESTAL')
    const nothing = telling ? ratios(without(bytes, /^(E?GAIN|RDNOISE|PEDESTAL)$/), truth) : kept
    if (!kept.flagged || !nothing.flagged) throw new Error(`${folder}: an estimated gain that is not flagged`)
    all.pedestalKept.push(worst(kept.at))
    all.nothingTold.push(worst(nothing.at))
    const cells = [`${preset} ${seed}`, truth.params.dialect, ...kept.at.map(ratio => figure(ratio, 3))]
    rows.push([...cells, figure(100 * worst(kept.at), 1), figure(100 * worst(nothing.at), 1)])
  }

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
const inWords = (numbers: number[]) =>
  `median ${figure(100 * median(numbers), 1)} %, worst ${figure(100 * Math.max(...numbers), 1)} %`
writeSection(
  'noise',
  [
    '## The noise of frames whose headers tell neither gain nor read noise',
    '',
    `Written by \`node bench/noise.ts --frames DIR\`; measured on ${machineInWords()}.`,
    'Variance of a pixel as later stages predict it over the true one, from the level of the sky to half of saturation;',
    'gain and read noise are taken out of the header first, for the last column the pedestal as well (only MaxIm DL tells one).',
    'Every one of these frames carries the flag `gainEstimated`.',
    '',
    `${rows.length} frames: ${inWords(all.pedestalKept)}; with the pedestal taken out ${inWords(all.nothingTold)}.`,
    '',
    ...table(['frame', 'dialect', 'sky', '¼', '½', '¾', 'half of saturation', 'worst %', 'worst %, no pedestal'], rows),
  ],
  values.out,
)
