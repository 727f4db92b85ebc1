import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { CpcsError } from '#shared/errors.ts'
import { isOutage } from '#shared/outage.ts'

/** Both parts of a primary key. */
export interface Key {
  pk: string
  sk: string
}

export type Index = 'listing' | 'failed' | 'cell'

export interface Range {
  /** Sort keys start with this. */
  prefix?: string
  /** Sort keys come before this, or after it. Of these three one at most. */
  before?: string
  after?: string
  /** The index to ask instead of the table itself. */
  index?: Index
  /** Highest sort key first. */
  newestFirst?: boolean
  /** Read no more than so many items; all if absent. */
  limit?: number
}

export interface Change {
  initially?: Record<string, unknown>
  remove?: string[]
  where?: Record<string, unknown>
  unlessAbove?: Record<string, number>
}

/**
 * The one table of CPCS, seen as single conditional writes and queries: all that its emulators know as well. Whether an
 * outage or a refusal stands behind an error is told here, once.
 */
export class Table {
  readonly #client: DynamoDBDocumentClient
  readonly #name: string

  constructor(client: DynamoDBDocumentClient, name: string) {
    this.#client = client
    this.#name = name
  }

  /** @throws {CpcsError} TableUnavailable */
  async get<T>({ pk, sk }: Key): Promise<T | undefined> {
    const { Item } = await told(
      this.#client.send(new GetCommand({ TableName: this.#name, Key: { pk, sk }, ConsistentRead: true })),
    )
    return Item && withoutKeys<T>(Item)
  }

  /**
   * Write an item where there is none yet.
   *
   * @returns whether it was written; false where one stood already, which is left as it is
   * @throws {CpcsError} TableUnavailable
   */
  async putIfAbsent(item: Key & Record<string, unknown>): Promise<boolean> {
    return unlessRefused(
      this.#client.send(
        new PutCommand({ TableName: this.#name, Item: item, ConditionExpression: 'attribute_not_exists(pk)' }),
      ),
    )
  }

  /**
   * Change some attributes of an item, which is made if it is not there.
   *
   * @param set attributes to write; undefined ones are left alone
   * @param options.initially attributes to write only where they are not there yet
   * @param options.remove attributes to take away
   * @param options.where values that attributes must have for the change to happen
   * @param options.unlessAbove numbers that an attribute, where it is there, must not exceed for the change to happen
   * @returns whether the change happened
   * @throws {CpcsError} TableUnavailable
   */
  async update({ pk, sk }: Key, set: Record<string, unknown>, options: Change = {}): Promise<boolean> {
    const names: Record<string, string> = {}
    const values: Record<string, unknown> = {}
    const name = (attribute: string) => {
      names[`#${attribute}`] = attribute
      return `#${attribute}`
    }
    const value = (prefix: string, attribute: string, content: unknown) => {
      values[`:${prefix}${attribute}`] = content
      return `:${prefix}${attribute}`
    }
    const defined = (record: Record<string, unknown> = {}) => Object.entries(record).filter(([, v]) => v !== undefined)

    const assignments = [
      ...defined(set).map(([a, v]) => `${name(a)} = ${value('', a, v)}`),
      ...defined(options.initially).map(([a, v]) => `${name(a)} = if_not_exists(${name(a)}, ${value('first_', a, v)})`),
    ]
    const removals = (options.remove ?? []).map(name)
    const conditions = [
      ...defined(options.where).map(([a, v]) => `${name(a)} = ${value('was_', a, v)}`),
      ...defined(options.unlessAbove).map(
        ([a, v]) => `(attribute_not_exists(${name(a)}) OR ${name(a)} <= ${value('most_', a, v)})`,
      ),
    ]
    return unlessRefused(
      this.#client.send(
        new UpdateCommand({
          TableName: this.#name,
          Key: { pk, sk },
          UpdateExpression: [
            assignments.length > 0 ? `SET ${assignments.join(', ')}` : '',
            removals.length > 0 ? `REMOVE ${removals.join(', ')}` : '',
          ].join(' '),
          ConditionExpression: conditions.length > 0 ? conditions.join(' AND ') : undefined,
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: Object.keys(values).length > 0 ? values : undefined,
        }),
      ),
    )
  }

  /**
   * Items of one partition, in the order of their sort keys.
   *
   * @throws {CpcsError} TableUnavailable
   */
  async query<T>(pk: string, range: Range = {}): Promise<T[]> {
    const { index, newestFirst = false, limit } = range
    const sortKeys = condition(range)
    const [partition, sort] = index ? [`${index}pk`, `${index}sk`] : ['pk', 'sk']
    const items: T[] = []
    let start: QueryCommandInput['ExclusiveStartKey']
    do {
      const page = await told(
        this.#client.send(
          new QueryCommand({
            TableName: this.#name,
            IndexName: index,
            ConsistentRead: !index, // an index is always a moment behind
            KeyConditionExpression: sortKeys ? `#pk = :pk AND ${sortKeys.asked}` : '#pk = :pk',
            ExpressionAttributeNames: sortKeys ? { '#pk': partition, '#sk': sort } : { '#pk': partition },
            ExpressionAttributeValues: sortKeys ? { ':pk': pk, ':sk': sortKeys.of } : { ':pk': pk },
            ScanIndexForward: !newestFirst,
            ExclusiveStartKey: start,
            Limit: limit,
          }),
        ),
      )
      items.push(...(page.Items ?? []).map(withoutKeys<T>))
      start = page.LastEvaluatedKey
    } while (start && (limit === undefined || items.length < limit))
    return limit === undefined ? items : items.slice(0, limit)
  }
}

function condition({ prefix, before, after }: Range): { asked: string; of: string } | undefined {
  if (prefix) return { asked: 'begins_with(#sk, :sk)', of: prefix }
  if (before !== undefined) return { asked: '#sk < :sk', of: before }
  return after === undefined ? undefined : { asked: '#sk > :sk', of: after }
}

/** What was stored, without the keys of table and indexes. */
function withoutKeys<T>(item: Record<string, unknown>): T {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !/^(listing|failed|cell)?[ps]k$/.test(name))) as T
}

async function unlessRefused(write: Promise<unknown>): Promise<boolean> {
  try {
    await told(write)
    return true
  } catch (error) {
    if ((error as Error).name === 'ConditionalCheckFailedException') return false
    throw error
  }
}

async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!isOutage(error)) throw error
    throw new CpcsError('TableUnavailable', { cause: String(error) }, { cause: error })
  }
}
