/**
 * Do ten cameras agree? Constant stars of three colours, observed by simulated cameras of ten filters, fields and depths,
 * at the level of star lists, through the calibration and the memory of each camera.
 *
 *     node bench/cameras.ts [--skies 4] [--frames 30] [--out FILE]
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
    skies: { type: 'string', default: '4' },
    frames: { type: 'string', default: '30' },
    out: { type: 'string', default: resultsFile },
  },
})

const all: Measurement[] = []
for (let sky = 0; sky < Number(values.skies); sky++) {
  const stars = simulateSky(4000, `sky ${sky}`)
  for (const camera of tenCameras) all.push(...observe(stars, camera, Number(values.frames), `nights ${sky}`))
  console.log(`sky ${sky + 1}: ${all.length} points`)
}

const row = (name: string, points: Measurement[]) => {
  const { perPoint, error } = chiSquared(points)
  const rms = (of: (point: Measurement) => number) =>
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
const rows = (names: readonly (readonly [string, (point: Measurement) => boolean])[]) =>
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
    'The ± is that of independent points. Points of one camera and star share the errors of the catalogue: of the star itself and of',
    'the stars around it. A row of one camera holds as many of these as skies times stars, and wanders by more than its ±.',
    '',
    ...table(head, [
      ...rows([['all', () => true]]),
      ...rows(TARGET_COLOURS.map(colour => [`star of g − r = ${colour}`, point => point.colour === colour] as const)),
      ...rows(
        tenCameras.map(
          ({ name, band, term }) =>
            [`${band}, colour term ${term}`, (point: Measurement) => point.camera === name] as const,
        ),
      ),
      ...rows(
        (['frame', 'both', 'memory', 'none'] as const).map(
          from => [`colour term from: ${from}`, (point: Measurement) => point.colourTermFrom === from] as const,
        ),
      ),
    ]),
  ],
  values.out,
)
