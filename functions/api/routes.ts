import { z } from 'zod'
import { Target } from '#events/stages.ts'
import { columnsOf, type Format, formats } from '#shared/lightcurve/exports.ts'
import type { Frames } from '#shared/lightcurve/frames.ts'
import { NameTaken, type Objects } from '#shared/lightcurve/objects.ts'
import type { Points } from '#shared/lightcurve/points.ts'
import { objectIdOf } from '#shared/object-id.ts'
import type { ObjectStore } from '#shared/store.ts'
import { type Answer, bytes, contentTypeOf, file, json, Refusal, redirect } from './http.ts'

export interface ApiDeps {
  frames: Frames
  objects: Objects
  points: Points
  products: ObjectStore
  /** The pages: index.html and what it loads. */
  site: ObjectStore
  /** An address from which an object of the products can be fetched for some minutes. */
  signedGet: (key: string) => Promise<string>
  /** An address to which an object of the inbox can be put for some minutes. */
  signedPut: (key: string) => Promise<string>
  /** The time now, ISO 8601 UTC. */
  now: () => string
}

export interface Asked {
  /** Parts of the path that the route leaves open, decoded. */
  parts: string[]
  query: URLSearchParams
  /** The body, parsed from JSON; undefined where there is none. */
  body: unknown
}

export interface Route {
  method: 'GET' | 'POST'
  path: RegExp
  answer: (asked: Asked, deps: ApiDeps) => Promise<Answer>
}

/** A function may answer with 6 MB, and base64 makes four bytes of three: larger files come from the bucket itself. */
const LARGEST_ANSWER_BYTES = 4_000_000

/** Every address of the service. The first that fits answers. */
export const routes: Route[] = [
  { method: 'GET', path: /^\/api\/nights$/, answer: async (_, { frames }) => json(await frames.nights()) },
  { method: 'GET', path: /^\/api\/frames$/, answer: listFrames },
  { method: 'GET', path: /^\/api\/frames\/([0-9a-f]{64})$/, answer: showFrame },
  { method: 'GET', path: /^\/api\/objects$/, answer: async (_, { objects }) => json(await objects.list()) },
  { method: 'GET', path: /^\/api\/objects\/([^/]+)$/, answer: showObject },
  { method: 'GET', path: /^\/api\/objects\/([^/]+)\/lightcurve$/, answer: exportLightCurve },
  { method: 'GET', path: /^\/api\/products\/([0-9a-f]{64})\/(.+)$/, answer: fetchProduct },
  { method: 'POST', path: /^\/api\/targets$/, answer: registerTarget },
  { method: 'POST', path: /^\/api\/inbox$/, answer: openInbox },
  { method: 'GET', path: /^\/api(\/|$)/, answer: async () => json({ error: 'There is no such address.' }, 404) },
  { method: 'GET', path: /^\/(.*)$/, answer: showPage },
]

/** `?night=yyyymmdd[&telescope=…]`, or `?failed=yyyymm` for what an operator has to look at. */
async function listFrames({ query }: Asked, { frames }: ApiDeps): Promise<Answer> {
  const night = query.get('night')
  const month = query.get('failed')
  if (night) return json(await frames.ofNight(night, query.get('telescope') ?? undefined))
  if (month) return json(await frames.failedIn(month))
  throw new Refusal(400, 'Say which frames: ?night=yyyymmdd or ?failed=yyyymm.')
}

async function showFrame({ parts: [frameId] }: Asked, { frames, products }: ApiDeps): Promise<Answer> {
  const runs = await frames.runs(frameId)
  if (runs.length === 0) throw new Refusal(404, `There is no frame ${frameId}.`)
  const prefix = `products/${frameId}/`
  const files = (await products.list(prefix)).map(key => key.slice(prefix.length))
  return json({ frameId, runs, files })
}

async function showObject({ parts: [name] }: Asked, { objects, points }: ApiDeps): Promise<Answer> {
  const objectId = objectIdOf(name)
  const object = await objects.get(objectId)
  if (!object) throw new Refusal(404, `There is no object ${name}.`)
  return json({ object, points: columnsOf(await points.ofObject(objectId)) })
}

/**
 * `?format=csv|json|votable|parquet|aavso`; `&observer=` puts an AAVSO observer code into the last; `&versions=all` gives
 * besides each frame's newest points those that they superseded.
 */
async function exportLightCurve({ parts: [name], query }: Asked, { objects, points }: ApiDeps): Promise<Answer> {
  const format = query.get('format') ?? 'csv'
  if (!Object.hasOwn(formats, format))
    throw new Refusal(400, `There is no format ${format}: ask for one of ${Object.keys(formats).join(', ')}.`)
  const objectId = objectIdOf(name)
  if (!(await objects.get(objectId))) throw new Refusal(404, `There is no object ${name}.`)
  const { contentType, extension, encode } = formats[format as Format]
  const observer = query.get('observer') ?? undefined
  const all = query.get('versions') === 'all'
  const wanted = all ? await points.allVersions(objectId) : await points.ofObject(objectId)
  return file(encode(objectId, wanted, observer), contentType, `${objectId}.${extension}`)
}

async function fetchProduct({ parts: [frameId, name] }: Asked, { products, signedGet }: ApiDeps): Promise<Answer> {
  const key = `products/${frameId}/${plainPath(name)}`
  const size = await products.size(key)
  if (size === undefined) throw new Refusal(404, `The frame has no file ${name}.`)
  if (size > LARGEST_ANSWER_BYTES) return redirect(await signedGet(key))
  return bytes(await products.get(key), contentTypeOf(name))
}

const NewTarget = Target.extend({
  name: z.string().trim().min(1).max(80),
  raDeg: z.number().min(0).lt(360),
  decDeg: z.number().min(-90).max(90),
})

async function registerTarget({ body }: Asked, { objects, now }: ApiDeps): Promise<Answer> {
  const target = NewTarget.safeParse(body)
  if (!target.success) throw new Refusal(400, `This is no target: ${z.prettifyError(target.error)}`)
  if (!/[\p{L}\p{N}]/u.test(target.data.name)) throw new Refusal(400, 'The name of a target needs a letter or digit.')
  const objectId = await objects.register(target.data, now()).catch(error => {
    throw error instanceof NameTaken ? new Refusal(409, error.message) : error
  })
  return json({ objectId }, 201)
}

const NewFrame = z.object({ key: z.string().min(1).max(1000) })

/** Hand out an address to which one frame can be put. */
async function openInbox({ body }: Asked, { signedPut }: ApiDeps): Promise<Answer> {
  const frame = NewFrame.safeParse(body)
  if (!frame.success) throw new Refusal(400, `Say where to put it: ${z.prettifyError(frame.error)}`)
  return json({ url: await signedPut(plainPath(frame.data.key)) }, 201)
}

async function showPage({ parts: [path] }: Asked, { site }: ApiDeps): Promise<Answer> {
  const page = plainPath(path === '' ? 'index.html' : path)
  if ((await site.size(page)) !== undefined) return bytes(await site.get(page), contentTypeOf(page))
  throw new Refusal(404, 'There is no such page.')
}

/** A path that stays where it is asked for. */
function plainPath(path: string): string {
  if (path.split(/[/\\]/).some(part => part === '..' || part === '.' || part === ''))
    throw new Refusal(400, 'The path must be plain.')
  return path
}
