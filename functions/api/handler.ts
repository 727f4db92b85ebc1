import { join } from 'node:path'
import { fromEnvironment } from '#shared/aws/configuration.ts'
import { bucketNamed, now, table } from '#shared/aws/deps.ts'
import { signedGet, signedPut } from '#shared/aws/signed.ts'
import { FolderStore } from '#shared/folder-store.ts'
import { Frames } from '#shared/lightcurve/frames.ts'
import { Objects } from '#shared/lightcurve/objects.ts'
import { Points } from '#shared/lightcurve/points.ts'
import { answer } from './api.ts'
import type { Request } from './http.ts'

/** The pages lie beside the bundle. */
const site = new FolderStore(join(import.meta.dirname, 'web'))

export const handler = async (request: Request) =>
  answer(request, {
    frames: new Frames(table()),
    objects: new Objects(table()),
    points: new Points(table()),
    products: bucketNamed('PRODUCTS_BUCKET'),
    site,
    signedGet: key => signedGet(fromEnvironment('PRODUCTS_BUCKET'), key),
    signedPut: key => signedPut(fromEnvironment('INBOX_BUCKET'), key),
    now,
  })
