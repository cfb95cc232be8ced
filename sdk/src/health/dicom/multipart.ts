/** multipart/related as a stream (RFC 2387, RFC 2046 §5.1), for bodies larger than memory: part by part, each part chunk by chunk. */
import { concat, utf8 } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'

export type Part = {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** Read before the next part is asked for; what is left of it is skipped then. A chunk lasts as long as the body’s own do. */
  readonly chunks: AsyncIterable<Uint8Array>
}

const MAX_HEADERS = 8192
export const MAX_PARTS = 100_000

const bad = (text: string): KeepwellError => new KeepwellError('BAD_INPUT', text)

/** The parameters of a media type (RFC 9110 §8.3.1), names in lower case, quotes taken off; `type` is the media type itself. */
export function mediaType(header: string): { readonly type: string; readonly parameters: ReadonlyMap<string, string> } {
  const parameters = new Map<string, string>()
  const [type = ''] = header.split(';', 1)
  for (const m of header.slice(type.length).matchAll(/;\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;,\s"]*))/g))
    parameters.set(m[1]!.toLowerCase(), (m[2] ?? m[3] ?? '').replace(/\\(.)/g, '$1'))
  return { type: type.trim().toLowerCase(), parameters }
}

/** The boundary of a multipart content type; throws BAD_INPUT. RFC 2046 ends at 70 characters, and Orthanc sends 73. */
export function boundaryOf(header: string | undefined): string {
  const boundary = mediaType(header ?? '').parameters.get('boundary') ?? ''
  ensure(/^[ -~]{1,200}$/.test(boundary) && !boundary.endsWith(' '), 'BAD_INPUT', 'The content type names no usable boundary.')
  return boundary
}

/** Where `needle` begins in `hay` at or after `from`, or -1. Its first byte is a carriage return, which images hold seldom enough. */
function find(hay: Uint8Array, needle: Uint8Array, from: number): number {
  const first = needle[0]!
  for (let at = hay.indexOf(first, from); at >= 0 && at + needle.length <= hay.length; at = hay.indexOf(first, at + 1)) {
    let i = 1
    while (i < needle.length && hay[at + i] === needle[i]) i++
    if (i === needle.length) return at
  }
  return -1
}

type Source = {
  /** What has come and is not yet used. */
  held: Uint8Array
  /** Puts the next chunk in the place of `held`; false at the end. */
  next(): Promise<boolean>
  /** Adds the next chunk to `held`; false at the end. */
  more(): Promise<boolean>
}

function sourceOf(body: AsyncIterable<Uint8Array>): Source & AsyncDisposable {
  const iterator = body[Symbol.asyncIterator]()
  const source = {
    held: new Uint8Array(0) as Uint8Array,
    async next(): Promise<boolean> {
      const next = await iterator.next()
      if (next.done) return false
      source.held = next.value
      return true
    },
    async more(): Promise<boolean> {
      // The chunk it lies in may last no longer than until the next is asked for.
      const held = concat(source.held)
      if (!(await source.next())) return false
      if (held.length) source.held = concat(held, source.held)
      return true
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await iterator.return?.()
    },
  }
  return source
}

/**
 * Up to the delimiter, which is used up with it. At most a delimiter's length is held back, and only that is copied: where it meets the
 * next chunk, the few bytes on both sides of the seam are looked at by themselves.
 */
async function* untilDelimiter(source: Source, delimiter: Uint8Array): AsyncGenerator<Uint8Array> {
  const overlap = delimiter.length - 1
  for (;;) {
    const at = find(source.held, delimiter, 0)
    if (at >= 0) {
      const head = source.held.subarray(0, at)
      source.held = source.held.subarray(at + delimiter.length)
      if (head.length) yield head
      return
    }
    const safe = source.held.length - overlap
    if (safe > 0) {
      const head = source.held.subarray(0, safe)
      source.held = source.held.subarray(safe)
      yield head
    }
    const held = concat(source.held)
    if (!(await source.next())) throw bad('The multipart body ends within a part.')
    const seam = concat(held, source.held.subarray(0, overlap))
    const met = source.held.length < overlap ? -1 : find(seam, delimiter, 0)
    if (source.held.length < overlap) source.held = seam
    else if (met >= 0) {
      if (met) yield seam.subarray(0, met)
      source.held = source.held.subarray(met + delimiter.length - held.length)
      return
    } else yield held
  }
}

const CRLF = utf8('\r\n')
const HEADERS_END = utf8('\r\n\r\n')

async function heldAtLeast(source: Source, bytes: number): Promise<boolean> {
  while (source.held.length < bytes) if (!(await source.more())) return false
  return true
}

/** After a delimiter: true when a part follows, false at the closing `--`. Blanks may stand in between (RFC 2046 §5.1.1). */
async function anotherPart(source: Source): Promise<boolean> {
  if ((await heldAtLeast(source, 2)) && source.held[0] === 0x2d && source.held[1] === 0x2d) return false
  while ((await heldAtLeast(source, 1)) && (source.held[0] === 0x20 || source.held[0] === 0x09)) source.held = source.held.subarray(1)
  ensure(
    (await heldAtLeast(source, 2)) && source.held[0] === 0x0d && source.held[1] === 0x0a,
    'BAD_INPUT',
    'A boundary is not followed by a line end.',
  )
  return true
}

async function headersOf(source: Source): Promise<ReadonlyMap<string, string>> {
  // The line end before the headers is still held, so that a part without headers ends them at once.
  let end = find(source.held, HEADERS_END, 0)
  while (end < 0) {
    ensure(source.held.length <= MAX_HEADERS, 'TOO_LARGE', `The headers of a part are longer than ${MAX_HEADERS} bytes.`)
    if (!(await source.more())) throw bad('The multipart body ends within the headers of a part.')
    end = find(source.held, HEADERS_END, 0)
  }
  ensure(end <= MAX_HEADERS, 'TOO_LARGE', `The headers of a part are longer than ${MAX_HEADERS} bytes.`)
  const lines = String.fromCharCode(...source.held.subarray(CRLF.length, Math.max(CRLF.length, end)))
  source.held = source.held.subarray(end + HEADERS_END.length)
  const headers = new Map<string, string>()
  for (const line of lines.replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return headers
}

/** Reads parts one after another. Throws BAD_INPUT for a body that is not what its content type says, TOO_LARGE beyond a limit. */
export async function* readMultipart(body: AsyncIterable<Uint8Array>, boundary: string): AsyncGenerator<Part> {
  const delimiter = utf8(`\r\n--${boundary}`)
  await using source = sourceOf(body)
  // The first delimiter has no line end of its own before it when nothing precedes it.
  source.held = CRLF
  await drained(untilDelimiter(source, delimiter))
  for (let parts = 0; await anotherPart(source); parts++) {
    ensure(parts < MAX_PARTS, 'TOO_LARGE', `The body has more than ${MAX_PARTS} parts.`)
    const headers = await headersOf(source)
    const chunks = untilDelimiter(source, delimiter)
    yield { headers, chunks }
    await drained(chunks)
  }
}

async function drained(chunks: AsyncGenerator<Uint8Array>): Promise<void> {
  while (!(await chunks.next()).done);
}

export type PartToWrite = {
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
}

/** Writes parts as they come. */
export async function* writeMultipart(
  parts: AsyncIterable<PartToWrite> | Iterable<PartToWrite>,
  boundary: string,
): AsyncGenerator<Uint8Array> {
  let before = ''
  for await (const { headers, body } of parts) {
    yield utf8(`${before}--${boundary}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
    if (body instanceof Uint8Array) yield body
    else yield* body
    before = '\r\n'
  }
  yield utf8(`${before}--${boundary}--\r\n`)
}
