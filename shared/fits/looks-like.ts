/** Beginnings of files that people send instead of FITS, and what to call them. */
const beginnings: readonly { bytes: readonly number[]; is: string }[] = [
  { bytes: [0x89, 0x50, 0x4e, 0x47], is: 'a PNG picture' },
  { bytes: [0xff, 0xd8, 0xff], is: 'a JPEG picture' },
  { bytes: [0x47, 0x49, 0x46, 0x38], is: 'a GIF picture' },
  { bytes: [0x58, 0x49, 0x53, 0x46], is: 'an XISF image' },
  { bytes: [0x49, 0x49, 0x2a, 0x00], is: 'a TIFF or camera raw file' },
  { bytes: [0x4d, 0x4d, 0x00, 0x2a], is: 'a TIFF or camera raw file' },
  { bytes: [0x50, 0x4b, 0x03, 0x04], is: 'a ZIP archive' },
  { bytes: [0x42, 0x5a, 0x68], is: 'a bzip2 stream that cannot be read' },
  { bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a], is: 'an xz archive' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], is: 'a Zstandard archive' },
  { bytes: [0x1f, 0x9d], is: 'a Unix-compressed (.Z) file that cannot be read' },
  { bytes: [0x1f, 0x8b], is: 'a gzip stream that cannot be read' },
  { bytes: [0x25, 0x50, 0x44, 0x46], is: 'a PDF document' },
  { bytes: [0x4c, 0x55, 0x43, 0x41, 0x4d], is: 'a SER video' },
  { bytes: [0x50, 0x41, 0x52, 0x31], is: 'a Parquet table' },
]

const texts: readonly { pattern: RegExp; is: string }[] = [
  { pattern: /^\s*<(!doctype\s+html|html)/i, is: 'an HTML page' },
  { pattern: /^\s*<(\?xml|votable)/i, is: 'an XML document' },
  { pattern: /^\s*[{[]/, is: 'JSON or other text' },
]

/** Say in words what a file that is no FITS looks like, from its first bytes. */
export function looksLike(bytes: Uint8Array): string {
  const binary = beginnings.find(({ bytes: magic }) => magic.every((byte, i) => bytes[i] === byte))
  if (binary) return `it looks like ${binary.is}`
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 512))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: telling text from binary is about control characters
  if (/[\x00-\x08\x0e-\x1f]/.test(start)) return `it begins with the bytes ${hexadecimal(bytes)}`
  const text = texts.find(({ pattern }) => pattern.test(start))
  return `it looks like ${text?.is ?? 'a text file'}`
}

function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 8), byte => byte.toString(16).padStart(2, '0')).join(' ')
}
