import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { escape as escapeQuery } from 'node:querystring'
import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { ObjectChange } from './emulators.ts'
import { RefusedTemplate } from './refused-template.ts'
import { ACCOUNT, REGION } from './resource-types.ts'
import type { Stack } from './stack.ts'
import type { Properties } from './template.ts'

/** The events that are told; an object that comes in parts or as a copy is told of as a put. */
const ALL_CREATED = 's3:ObjectCreated:*'

/** One rule of a bucket: which objects are told to which queue. */
interface Rule {
  id: string
  bucket: string
  versioned: boolean
  prefix: string
  suffix: string
  queueArn: string
}

export interface NotificationDeps {
  s3: S3Client
  /** Put a message into the queue with this ARN. */
  send(queueArn: string, body: string): void
  stateFolder?: string
}

/**
 * S3 tells queues of new objects. A change is written down before the writer of the object has its answer and struck
 * out when its message is in the queue, so that none is lost when the process is killed between.
 */
export class Notifications {
  #rules: Rule[]
  #deps: NotificationDeps
  #journal: string | undefined
  #open = new Set<Promise<void>>()
  #sequence = Date.now()

  /** @throws {RefusedTemplate} notifications to anything but a queue */
  constructor(stack: Stack, deps: NotificationDeps) {
    this.#rules = rulesOf(stack)
    this.#deps = deps
    this.#journal = deps.stateFolder && join(deps.stateFolder, 'notifications.jsonl')
  }

  /** Changes whose message is not in the queue yet. */
  get open(): number {
    return this.#open.size
  }

  /** Send what a killed process left unsent. */
  async resume(): Promise<void> {
    if (this.#journal === undefined || !existsSync(this.#journal)) return
    const unsent = new Map<number, ObjectChange>()
    for (const line of readFileSync(this.#journal, 'utf8').split('\n').filter(Boolean)) {
      try {
        const { sequence, change } = JSON.parse(line) as { sequence: number; change?: ObjectChange }
        if (change === undefined) unsent.delete(sequence)
        else unsent.set(sequence, change)
      } catch {
        // The line that was being written when the process was killed: its writer had no answer either.
      }
    }
    writeFileSync(this.#journal, '')
    for (const change of unsent.values()) this.notify(change)
    await Promise.all(this.#open)
  }

  /** Tell the queues of a change, as the bucket's configuration says. */
  notify(change: ObjectChange): void {
    const rules = this.#rules.filter(rule => matches(rule, change))
    if (rules.length === 0) return
    const sequence = ++this.#sequence
    this.#note({ sequence, change })
    const sending = this.#send(rules, change, sequence)
      .catch(error => console.error(`No notification of ${change.bucket}/${change.key}:`, error))
      .finally(() => {
        this.#open.delete(sending)
        this.#note({ sequence })
      })
    this.#open.add(sending)
  }

  /** The message that S3 sends to a queue when notifications are switched on. */
  sendTestEvents(): void {
    for (const { bucket, queueArn } of this.#rules) {
      const body = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: new Date().toISOString(), Bucket: bucket }
      this.#deps.send(queueArn, JSON.stringify({ ...body, RequestId: 'LOCAL', HostId: 'local' }))
    }
  }

  async #send(rules: Rule[], change: ObjectChange, sequence: number): Promise<void> {
    const { bucket, key } = change
    const head = await this.#head(bucket, key)
    if (head === undefined) return // gone again before it could be told
    for (const rule of rules) {
      const object = {
        key: urlEncoded(key),
        size: head.ContentLength ?? 0,
        eTag: (head.ETag ?? '').replaceAll('"', ''),
        // The emulator keeps the newest version only; the number still tells one upload from the next, as on AWS.
        ...(rule.versioned && { versionId: `local-${sequence.toString(36)}` }),
        sequencer: sequence.toString(16).toUpperCase().padStart(18, '0'),
      }
      this.#deps.send(rule.queueArn, JSON.stringify({ Records: [record(rule, object)] }))
    }
  }

  async #head(Bucket: string, Key: string) {
    try {
      return await this.#deps.s3.send(new HeadObjectCommand({ Bucket, Key }))
    } catch (error) {
      if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 404) return undefined
      throw error
    }
  }

  #note(line: object): void {
    if (this.#journal) appendFileSync(this.#journal, `${JSON.stringify(line)}\n`)
  }
}

function record(rule: Rule, object: object): object {
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: REGION,
    eventTime: new Date().toISOString(),
    eventName: 'ObjectCreated:Put',
    userIdentity: { principalId: `AWS:${ACCOUNT}` },
    requestParameters: { sourceIPAddress: '127.0.0.1' },
    responseElements: { 'x-amz-request-id': 'LOCAL', 'x-amz-id-2': 'local' },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: rule.id,
      bucket: { name: rule.bucket, ownerIdentity: { principalId: ACCOUNT }, arn: `arn:aws:s3:::${rule.bucket}` },
      object,
    },
  }
}

/** The key as S3 writes it into events: percent-encoded, but slashes stay and blanks become `+`. */
export function urlEncoded(key: string): string {
  return escapeQuery(key).replaceAll('%2F', '/').replaceAll('%20', '+')
}

function matches(rule: Rule, { bucket, key }: ObjectChange): boolean {
  return rule.bucket === bucket && key.startsWith(rule.prefix) && key.endsWith(rule.suffix)
}

function rulesOf(stack: Stack): Rule[] {
  const buckets = new Map(
    stack.ofType('AWS::S3::Bucket').map(({ logicalId, properties }) => [stack.physical(logicalId), properties]),
  )
  const versioned = (bucket: string) => buckets.get(bucket)?.VersioningConfiguration?.Status === 'Enabled'
  const rules: Rule[] = []

  const read = (where: string, bucket: string, configuration: Properties) => {
    for (const [kind, entries] of Object.entries(configuration)) {
      if (kind !== 'QueueConfigurations')
        throw new RefusedTemplate(where, `${kind} of a bucket are not modelled; queues are`)
      for (const entry of entries as Properties[]) {
        for (const event of (entry.Events ?? [entry.Event]) as string[]) {
          if (event !== ALL_CREATED) throw new RefusedTemplate(where, `${event} is not modelled; ${ALL_CREATED} is`)
        }
        const filters: { Name: string; Value: string }[] =
          entry.Filter?.Key?.FilterRules ?? entry.Filter?.S3Key?.Rules ?? []
        const filter = (name: string) => filters.find(({ Name }) => Name.toLowerCase() === name)?.Value ?? ''
        rules.push({
          id: entry.Id ?? where,
          bucket,
          versioned: versioned(bucket),
          prefix: filter('prefix'),
          suffix: filter('suffix'),
          queueArn: entry.QueueArn ?? entry.Queue,
        })
      }
    }
  }

  for (const { logicalId, properties } of stack.ofType('AWS::S3::Bucket')) {
    read(`${logicalId} (AWS::S3::Bucket)`, stack.physical(logicalId), properties.NotificationConfiguration ?? {})
  }
  for (const { logicalId, type, properties } of stack.ofType('Custom::S3BucketNotifications')) {
    read(`${logicalId} (${type})`, properties.BucketName, properties.NotificationConfiguration)
  }
  return rules
}
