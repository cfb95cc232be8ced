import { concat } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { isObject } from '@keepwell/sdk/health/fhir/read'

/** How deep files in files are taken apart, and how many are in one. */
const DEEPEST = 4
const MOST = 4000
/** Levels of JSON; no honest resource has as many. */
const NESTED = 200

/** Shorter ones hold nothing that runs. */
const RUN = /[A-Za-z0-9+/]{40,}={0,2}/g
const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}$/

/**
 * What a text carries in base64: attachments in FHIR, bodies of C-CDA, encapsulated data of HL7 v2. A file that is no text carries nothing here.
 * Throws TOO_LARGE for thousands of them.
 */
export async function* encodedIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = []
  let text = false
  for await (const chunk of chunks) {
    parts.push(chunk)
    text ||= startsAsText(chunk)
    if (!text && !chunk.every(isSpace)) return
  }
  yield* counted(carriedBy(concat(...parts), 0))
}

/** The same of a resource, at whatever element. */
export const within = (value: unknown): Generator<Uint8Array> => counted(ofValue(value, 0))

function* counted(all: Iterable<Uint8Array>): Generator<Uint8Array> {
  let count = 0
  for (const bytes of all) {
    ensure(++count <= MOST, 'TOO_LARGE', `More than ${MOST} files in one are not looked through.`)
    yield bytes
  }
}

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)

/** As JSON, XML and HL7 v2 begin, or with the mark of a Unicode text. */
function startsAsText(bytes: Uint8Array): boolean {
  const begin = bytes.findIndex(b => !isSpace(b))
  const first = bytes[begin] ?? 0
  if ('{[<"'.includes(String.fromCharCode(first))) return true
  const mark = Buffer.from(bytes.subarray(begin, begin + 3)).toString('latin1')
  return mark === 'MSH' || mark === '\xef\xbb\xbf' || /^(\xff\xfe|\xfe\xff)/.test(mark)
}

const encodingOf = ([a, b]: Uint8Array): string => (a === 0xff && b === 0xfe ? 'utf-16le' : a === 0xfe && b === 0xff ? 'utf-16be' : 'utf-8')

function* carriedBy(bytes: Uint8Array, depth: number): Generator<Uint8Array> {
  if (depth >= DEEPEST || !startsAsText(bytes)) return
  const text = new TextDecoder(encodingOf(bytes)).decode(bytes)
  const value = parsed(text)
  if (value !== undefined) yield* ofValue(value, depth)
  else yield* runsIn(unmarked(text), depth)
}

function* ofValue(value: unknown, depth: number, level = 0): Generator<Uint8Array> {
  ensure(level < NESTED, 'TOO_LARGE', `A text nested deeper than ${NESTED} levels is not looked through.`)
  if (typeof value === 'string') {
    const text = value.trimEnd()
    yield* runsIn(BASE64.test(text) ? text.replace(/\s/g, '') : text, depth)
  } else if (Array.isArray(value)) for (const inner of value) yield* ofValue(inner, depth, level + 1)
  else if (isObject(value)) for (const inner of Object.values(value)) yield* ofValue(inner, depth, level + 1)
}

function* runsIn(text: string, depth: number): Generator<Uint8Array> {
  for (const [run] of text.matchAll(RUN)) {
    const bytes = new Uint8Array(Buffer.from(run, 'base64'))
    yield bytes
    yield* carriedBy(bytes, depth + 1)
  }
}

/** As a reader sees it: without comments, with characters that are written by their numbers, values without their line breaks. */
function unmarked(text: string): string {
  const [before = '', ...after] = text.split('<!--')
  const plain = before + after.map(piece => piece.slice(Math.max(0, piece.indexOf('-->') + 2)).replace(/^>/, '')).join('')
  return plain
    .replace(/&#x([0-9a-f]{1,4});/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/&#(\d{1,5});/g, (_, decimal: string) => String.fromCharCode(Number(decimal)))
    .replaceAll('<![CDATA[', '')
    .replaceAll(']]>', '')
    .replace(/>([A-Za-z0-9+/=\s]{40,})</g, (_, inner: string) => `>${inner.replace(/\s/g, '')}<`)
    .replace(/\\\.br\\|\\X0[AD]\\/g, '')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
