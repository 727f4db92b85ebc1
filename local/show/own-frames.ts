import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { inboxKey } from '#cli/service.ts'
import type { Target } from '#events/stages.ts'
import type { Cloud } from '#local/cloud/cloud.ts'
import type { Board } from './board.ts'
import { Inbox } from './inbox.ts'
import { pictureLines, tableLines } from './light-curve-text.ts'
import { copyTiles, follow, lightCurve, pointsOf } from './service.ts'
import type { Check } from './verdict.ts'

export interface OwnFrames {
  files: string[]
  /** Folder with imported catalogues. */
  catalogues?: string
  targets: Target[]
  /** Prefix in the inbox. */
  telescope: string
}

/**
 * Put somebody's own frames into the inbox, one after the other, and show what becomes of them.
 *
 * @returns what had to hold: every frame came to an outcome that is no failure of ours
 */
export async function showOwnFrames(cloud: Cloud, board: Board, own: OwnFrames): Promise<Check[]> {
  if (own.catalogues) {
    board.say(`${await copyTiles(cloud, own.catalogues)} files of catalogues copied from ${own.catalogues}`)
  } else {
    board.say('No --catalogues given: without reference stars around a frame it can only be rejected.')
  }
  const objectIds = []
  for (const target of own.targets) objectIds.push(await follow(cloud, target))
  board.say(`The frames as they land: ${board.bold(`${cloud.url}/`)}`)
  board.say()

  const inbox = new Inbox(cloud)
  let failed = 0
  for (const file of own.files) {
    const frame = board.frame(basename(file).slice(0, 40).padEnd(40))
    const bytes = await readFile(file)
    const row = await inbox.put(inboxKey(own.telescope, file, bytes), bytes, frame.entered)
    const points = await pointsOf(cloud, row)
    const magnitudes = points.map(
      point =>
        `${point.objectId} ${point.band} ${point.detected ? point.mag?.toFixed(3) : `> ${point.limit5Sigma?.toFixed(2)}`}`,
    )
    frame.ended(row, row.reason ?? (magnitudes.join(', ') || 'no target in the field'))
    if (row.outcome === 'failed') failed++
  }

  for (const objectId of objectIds) {
    const curve = (await lightCurve(cloud, objectId)).map(point => ({ point }))
    board.say()
    board.say(board.bold(objectId))
    for (const line of [...tableLines(curve), '', ...pictureLines(curve.map(({ point }) => point))]) board.say(line)
  }
  return [
    {
      tells: `${own.files.length} frames came to an outcome, ${failed} of them by a failure of ours`,
      ok: failed === 0,
    },
  ]
}
