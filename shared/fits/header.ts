/** Length of one header card and of one FITS block, bytes (FITS 4.0, 3.1 and 4.1). */
export const CARD_BYTES = 80
export const BLOCK_BYTES = 2880
/** Where the search for END is given up, bytes: ten times the longest headers of surveys. */
export const LONGEST_HEADER = 4 * 2 ** 20

/** One keyword of a FITS header. Commentary cards (COMMENT, HISTORY, blank) carry their text as value. */
export interface Card {
  keyword: string
  value: string | number | boolean | null
  comment?: string
}

/** The cards of one header in file order; of repeated keywords the first counts, as in other readers. */
export class Header {
  readonly cards: readonly Card[]
  readonly #first = new Map<string, Card>()

  constructor(cards: readonly Card[]) {
    this.cards = cards
    for (const card of cards) if (!this.#first.has(card.keyword)) this.#first.set(card.keyword, card)
  }

  has(keyword: string): boolean {
    return this.#first.has(keyword)
  }

  card(keyword: string): Card | undefined {
    return this.#first.get(keyword)
  }

  get(keyword: string): Card['value'] | undefined {
    return this.#first.get(keyword)?.value
  }

  comment(keyword: string): string {
    return this.#first.get(keyword)?.comment ?? ''
  }

  /** The value as text without surrounding blanks; undefined where absent or empty. */
  string(keyword: string): string | undefined {
    const value = this.get(keyword)
    if (value === undefined || value === null) return undefined
    return String(value).trim() || undefined
  }

  /** The value as number, also where a program wrote it as text ('30 s', '1,5'); undefined where there is none. */
  number(keyword: string): number | undefined {
    const value = this.get(keyword)
    if (typeof value === 'number') return value
    if (typeof value !== 'string') return undefined
    const match = /^\s*([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eEdD][+-]?\d+)?)(?![\d:]|\s*\/\s*\d)/.exec(value)
    return match ? Number(match[1].replace(',', '.').replace(/[dD]/, 'e')) : undefined
  }

  /** This header with the cards of another behind it, for keywords that an extension inherits from the primary. */
  inheriting(primary: Header): Header {
    return primary === this ? this : new Header([...this.cards, ...primary.cards])
  }
}

export interface ParsedHeader {
  header: Header
  /** Offset of the byte behind the header's last block: where the data begin. */
  dataStart: number
  /** Length of the header with its padding, bytes. */
  headerBytes: number
}

/**
 * Read the header that begins at `start`. Tolerates lower-case keywords, NUL bytes, a missing blank behind '=',
 * unquoted text values and a last block without padding; understands CONTINUE and HIERARCH.
 *
 * @returns undefined where no END card is found
 */
export function parseHeader(bytes: Uint8Array, start: number): ParsedHeader | undefined {
  const cards: Card[] = []
  const end = Math.min(bytes.length, start + LONGEST_HEADER)
  for (let offset = start; offset < end; offset += CARD_BYTES) {
    const text = cardText(bytes, offset)
    if (/^END\s*$/i.test(text)) {
      const length = offset + CARD_BYTES - start
      const headerBytes = Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES
      return { header: new Header(cards), dataStart: start + headerBytes, headerBytes }
    }
    const last = cards.at(-1)
    if (/^CONTINUE {2}/i.test(text) && last && typeof last.value === 'string' && last.value.endsWith('&'))
      continueString(last, text)
    else cards.push(parseCard(text))
  }
  return undefined
}

function cardText(bytes: Uint8Array, offset: number): string {
  const end = Math.min(offset + CARD_BYTES, bytes.length)
  let text = ''
  for (let i = offset; i < end; i++) {
    const code = bytes[i]
    text += code === 0 ? ' ' : String.fromCharCode(code)
  }
  return text
}

const commentary = new Set(['COMMENT', 'HISTORY', ''])

/** Read one card of up to 80 characters. */
export function parseCard(text: string): Card {
  const keyword = text.slice(0, 8).trim().toUpperCase()
  if (keyword === 'HIERARCH') {
    const equals = text.indexOf('=')
    if (equals > 8) {
      const name = text.slice(8, equals).trim().replace(/\s+/g, ' ').toUpperCase()
      return { keyword: name, ...parseValue(text.slice(equals + 1)) }
    }
  }
  if (text[8] === '=' && !commentary.has(keyword)) return { keyword, ...parseValue(text.slice(9)) }
  return { keyword, value: text.slice(8).trimEnd() }
}

const numberPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d+)?$/

function parseValue(field: string): Pick<Card, 'value' | 'comment'> {
  const trimmed = field.trimStart()
  if (trimmed.startsWith("'")) {
    const quoted = quotedString(trimmed)
    return withComment(quoted.text, quoted.rest)
  }
  const slash = trimmed.indexOf('/')
  const word = (slash < 0 ? trimmed : trimmed.slice(0, slash)).trim()
  const rest = slash < 0 ? '' : trimmed.slice(slash)
  if (word === '') return withComment(null, rest)
  if (word === 'T') return withComment(true, rest)
  if (word === 'F') return withComment(false, rest)
  if (numberPattern.test(word)) return withComment(Number(word.replace(/[dD]/, 'e')), rest)
  return withComment(word, rest)
}

/** Text between quotes, '' standing for one quote; trailing blanks carry no meaning (FITS 4.0, 4.2.1.1). */
function quotedString(field: string): { text: string; rest: string } {
  let text = ''
  for (let i = 1; i < field.length; i++) {
    if (field[i] !== "'") text += field[i]
    else if (field[i + 1] === "'") text += field[i++]
    else return { text: text.trimEnd(), rest: field.slice(i + 1) }
  }
  return { text: text.trimEnd(), rest: '' }
}

function withComment(value: Card['value'], rest: string): Pick<Card, 'value' | 'comment'> {
  const comment = rest.replace(/^\s*\/?/, '').trim()
  return comment ? { value, comment } : { value }
}

function continueString(card: Card, text: string): void {
  const piece = quotedString(text.slice(8).trimStart())
  card.value = String(card.value).slice(0, -1) + piece.text
  const { comment } = withComment(null, piece.rest)
  if (comment) card.comment = card.comment ? `${card.comment} ${comment}` : comment
}

/** Write cards, an END card and the padding: a whole number of blocks. */
export function encodeHeader(cards: readonly Card[]): Uint8Array {
  const lines = [...cards.flatMap(encodeCard), 'END']
  const bytes = new Uint8Array(Math.ceil((lines.length * CARD_BYTES) / BLOCK_BYTES) * BLOCK_BYTES).fill(32)
  lines.forEach((line, row) => {
    for (let i = 0; i < line.length; i++) bytes[row * CARD_BYTES + i] = line.charCodeAt(i)
  })
  return bytes
}

/** One card as one line of at most 80 characters, or several where a long string needs CONTINUE. */
export function encodeCard(card: Card): string[] {
  const keyword = card.keyword.toUpperCase()
  const comment = printable(card.comment ?? '')
  if (commentary.has(keyword) && typeof card.value === 'string') return commentaryLines(keyword, printable(card.value))
  const start = keyword.length <= 8 ? `${keyword.padEnd(8)}= ` : `HIERARCH ${keyword} = `
  if (typeof card.value === 'string') return stringLines(start, printable(card.value), comment)
  return [withRoomFor(start + encodeScalar(card.value).padStart(20), comment)]
}

function commentaryLines(keyword: string, text: string): string[] {
  const lines: string[] = []
  for (let at = 0; at === 0 || at < text.length; at += 72) lines.push(keyword.padEnd(8) + text.slice(at, at + 72))
  return lines
}

function stringLines(start: string, text: string, comment: string): string[] {
  const quoted = text.replaceAll("'", "''")
  // comments in one column, as astropy and cfitsio write them: checksums of a rewritten header stay what they are
  const value = `'${quoted.padEnd(8)}'`.padEnd(comment ? 20 : 0)
  if (start.length + quoted.length + 2 <= CARD_BYTES) return [withRoomFor(start + value, comment)]
  const lines: string[] = []
  let rest = text
  for (let lead = start; ; lead = 'CONTINUE  ') {
    const room = CARD_BYTES - lead.length - 3
    let take = Math.min(rest.length, room)
    while (rest.slice(0, take).replaceAll("'", "''").length > room) take--
    const piece = rest.slice(0, take).replaceAll("'", "''")
    rest = rest.slice(take)
    if (rest === '') return [...lines, withRoomFor(`${lead}'${piece}'`, comment)]
    lines.push(`${lead}'${piece}&'`)
  }
}

function withRoomFor(line: string, comment: string): string {
  return (comment ? `${line} / ${comment}` : line).slice(0, Math.max(CARD_BYTES, 0)).trimEnd()
}

function encodeScalar(value: number | boolean | null): string {
  if (value === null || (typeof value === 'number' && !Number.isFinite(value))) return ''
  if (typeof value === 'boolean') return value ? 'T' : 'F'
  return String(value).toUpperCase()
}

/** FITS text is ASCII 32 to 126 (FITS 4.0, 3.3): everything else becomes '?'. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
