import { type Notices, NoticeTopic } from '#shared/alert/publish.ts'
import { openQuadSky, type QuadSky } from '#shared/astrometry/quad-index.ts'
import { type FetchCell, fetchFromServices } from '#shared/catalogue/fetch-cell.ts'
import type { SurveyId, Tiles } from '#shared/catalogue/reference.ts'
import { isSurveyId } from '#shared/catalogue/surveys/index.ts'
import { openTiles } from '#shared/catalogue/tiles.ts'
import { Cameras } from '#shared/lightcurve/cameras.ts'
import { Frames } from '#shared/lightcurve/frames.ts'
import { Objects } from '#shared/lightcurve/objects.ts'
import { Points } from '#shared/lightcurve/points.ts'
import { Table } from '#shared/lightcurve/table.ts'
import type { TargetRegistry } from '#shared/lightcurve/targets.ts'
import type { Log, ObjectStore } from '#shared/store.ts'
import { dynamoDb, s3, sns } from './clients.ts'
import { fromEnvironment } from './configuration.ts'
import { log } from './logger.ts'
import { S3Store } from './s3-store.ts'

/** All that a task may want; each takes the part it needs, and only that part must be there. */
export interface Deps {
  /** Name of the execution at work. */
  readonly execution: string
  readonly log: Log
  /** The time now, ISO 8601 UTC. */
  readonly now: () => string
  /** Frames as they came. */
  readonly raw: ObjectStore
  /** Everything made of them. */
  readonly store: ObjectStore
  readonly tiles: Tiles
  /** The bucket of the tiles themselves, for who keeps them. */
  readonly tileStore: ObjectStore
  readonly fetchCell: FetchCell
  /** Surveys whose missing tiles are fetched. */
  readonly surveysToFetch: readonly SurveyId[]
  /** The index of the sky that was built of a survey, or undefined where none was. */
  readonly quads: (survey: SurveyId) => Promise<QuadSky | undefined>
  readonly targets: TargetRegistry
  readonly cameras: Cameras
  readonly frames: Frames
  readonly objects: Objects
  readonly points: Points
  readonly notices: Notices
}

const skies = new Map<SurveyId, Promise<QuadSky | undefined>>()

/** How long a warm function believes which catalogues there are, ms: one import more is soon seen. */
const TRUST_MS = 30_000

/** One client for all: it keeps the pauses between requests. */
const fetchCell = once(() => fetchFromServices())
const tiles = once(() =>
  openTiles(bucketNamed('TILES_BUCKET'), '', {
    trustMs: TRUST_MS,
    fetch: { surveys: surveysToFetch(), cell: fetchCell() },
  }),
)

/** Surveys whose missing tiles are fetched, from `TILES_UPSTREAMS`, separated by commas. @throws {Error} no survey */
function surveysToFetch(): SurveyId[] {
  const words = (process.env.TILES_UPSTREAMS ?? '').split(/[\s,]+/).filter(word => word !== '')
  return words.map(word => {
    if (!isSurveyId(word)) throw new Error(`TILES_UPSTREAMS names no survey: ${word}`)
    return word
  })
}

/** The dependencies of a task, each made from the environment when it is first asked for. */
export function makeDeps(execution: string): Deps {
  return {
    execution,
    log,
    now,
    get raw() {
      return bucketNamed('INBOX_BUCKET')
    },
    get store() {
      return bucketNamed('PRODUCTS_BUCKET')
    },
    get tiles() {
      return tiles()
    },
    get tileStore() {
      return bucketNamed('TILES_BUCKET')
    },
    get fetchCell() {
      return fetchCell()
    },
    get surveysToFetch() {
      return surveysToFetch()
    },
    get quads() {
      return quads
    },
    get targets() {
      return new Objects(table())
    },
    get cameras() {
      return new Cameras(table())
    },
    get frames() {
      return new Frames(table())
    },
    get objects() {
      return new Objects(table())
    },
    get points() {
      return new Points(table())
    },
    get notices() {
      return new NoticeTopic(sns(), fromEnvironment('NOTICES_TOPIC_ARN'))
    },
  }
}

/** The index of a survey, opened once: an index that is built later is found by the next process. */
function quads(survey: SurveyId): Promise<QuadSky | undefined> {
  let sky = skies.get(survey)
  if (!sky) {
    sky = openQuadSky(bucketNamed('TILES_BUCKET'), survey)
    skies.set(survey, sky)
    sky.catch(() => skies.delete(survey))
  }
  return sky
}

/** The table of the environment. */
export function table(): Table {
  return new Table(dynamoDb(), fromEnvironment('TABLE_NAME'))
}

/** The bucket that an environment variable names. */
export function bucketNamed(variable: string): S3Store {
  return new S3Store(fromEnvironment(variable), s3())
}

/** The time now, ISO 8601 UTC. */
export function now(): string {
  return new Date().toISOString()
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
