/** Says how far a long work has come. */
export interface Progress {
  show(text: string): void
  /** The work has ended: what comes next starts on a line of its own. */
  end(): void
}

/** One line of a terminal, written over and over; where nobody watches, nothing. */
export function progressLine(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return { show() {}, end() {} }
  let shown = false
  return {
    show(text) {
      stream.write(`\r\x1b[K${text}`)
      shown = true
    },
    end() {
      if (shown) stream.write('\r\x1b[K')
      shown = false
    },
  }
}
