/**
 * Do ten cameras agree? Constant stars of three colours, observed by simulated cameras of ten filters, fields and depths,
 * at the level of star lists, through the calibration and the memory of each camera.
 *
 *     node bench/cameras.ts [--skies 12] [--frames 20] [--out FILE]
 *
 * Writes its section of `bench/RESULTS.md`.
 */
import { parseArgs } from 'node:util'
import {
  chiSquared,
  type Measurement,
  observe,
  simulateSky,
  TARGET_COLOURS,
  tenCameras,
} from '../test/calibration/cameras.ts'
import { figure, resultsFile, table, writeSection } from './page.ts'

const { values } = parseArgs({
  options: {
    skies: { type: 'string', default: '12' },
    frames: { type: 'string', default: '20' },
    out: { type: 'string', default: resultsFile },
  },
})

type Point = Measurement & { sky: number }

const all: Point[] = []
for (let sky = 0; sky < Number(values.skies); sky++) {
  const stars = simulateSky(4000, `sky ${sky}`)
  for (const camera of tenCameras)
    for (const point of observe(stars, camera, Number(values.frames), `nights ${sky}`)) all.push({ ...point, sky })
  console.log(`sky ${sky + 1}: ${all.length} points`)
}

/** 1 σ of χ² per point by its change from sky to sky: points of one sky share the errors of its catalogues. */
function errorOf(points: Point[], perPoint: number): number {
  const skies = [...Map.groupBy(points, ({ sky }) => sky).values()]
  const off = skies.map(own => own.length * (chiSquared(own).perPoint - perPoint))
  const squares = off.reduce((sum, value) => sum + value * value, 0)
  return Math.sqrt((squares * skies.length) / (skies.length - 1)) / points.length
}

const row = (name: string, points: Point[]) => {
  const { perPoint } = chiSquared(points)
  const error = errorOf(points, perPoint)
  const rms = (of: (point: Point) => number) =>
    1000 * Math.sqrt(points.reduce((sum, point) => sum + of(point) ** 2, 0) / points.length)
  const mean = (1000 * points.reduce((sum, { off }) => sum + off, 0)) / points.length
  return [
    ...[name, String(points.length), `${figure(perPoint, 2)} ± ${figure(error, 2)}`],
    ...[
      figure(mean, 1),
      figure(
        rms(point => point.off),
        1,
      ),
      figure(
        rms(point => point.error),
        1,
      ),
    ],
  ]
}
const rows = (names: readonly (readonly [string, (point: Point) => boolean])[]) =>
  names
    .map(([name, of]) => [name, all.filter(of)] as const)
    .filter(([, points]) => points.length > 0)
    .map(([name, points]) => row(name, points))
const head = ['', 'points', 'χ² per point', 'mean mmag', 'rms mmag', 'claimed mmag']

writeSection(
  'ten cameras',
  [
    '## Ten cameras, one sky',
    '',
    `Written by \`node bench/cameras.ts\`: ${values.skies} skies, ten cameras of ${values.frames} frames each (${'`test/calibration/cameras.ts`'} says how they`,
    'are made), three constant stars; each magnitude minus the truth over the error that is claimed for it.',
    'A third of the frames is taken through clouds and has few stars; the colour term then comes from the earlier frames of the camera.',
    'The ± is the error of χ² per point by how it changes from sky to sky: points of one sky share the errors of its catalogues, of',
    'the constant stars themselves and of the stars around them.',
    '',
    ...table(head, [
      ...rows([['all', () => true]]),
      ...rows(TARGET_COLOURS.map(colour => [`star of g − r = ${colour}`, point => point.colour === colour] as const)),
      ...rows(
        tenCameras.map(
          ({ name, band, term }) => [`${band}, colour term ${term}`, (point: Point) => point.camera === name] as const,
        ),
      ),
      ...rows(
        (['frame', 'both', 'memory', 'none'] as const).map(
          from => [`colour term from: ${from}`, (point: Point) => point.colourTermFrom === from] as const,
        ),
      ),
    ]),
  ],
  values.out,
)
