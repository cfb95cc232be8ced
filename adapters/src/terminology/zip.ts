import { closeSync, createReadStream, fstatSync, openSync, readSync } from 'node:fs'
import { createInflateRaw } from 'node:zlib'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'

export type ZipEntry = { readonly name: string; open(): AsyncIterable<Uint8Array> }

const broken = (): KeepwellError => new KeepwellError('UNREADABLE', 'The ZIP archive is damaged, or no ZIP archive.')
const MAX_ENTRIES = 100_000
const MAX_DIRECTORY = 64 << 20
/** Text compresses well, but not a thousandfold: what grows more is a bomb. */
const MAX_RATIO = 200

/**
 * The files in a ZIP archive (PKWARE APPNOTE 6.3), by its central directory, each read as a stream when it is opened: a SNOMED CT release is a
 * gigabyte, of which a few files are needed. Stored and deflated entries, with ZIP64 sizes.
 */
export function openZip(path: string): ZipEntry[] {
  const file = openSync(path, 'r')
  try {
    const size = fstatSync(file).size
    const at = (position: number, length: number): DataView => {
      const bytes = new Uint8Array(length)
      if (!(position >= 0) || readSync(file, bytes, 0, length, position) !== length) throw broken()
      return new DataView(bytes.buffer)
    }
    const { offset, length, count } = directoryOf(at, size)
    ensure(count <= MAX_ENTRIES && length <= MAX_DIRECTORY, 'TOO_LARGE', 'The ZIP archive has too many entries.')
    return entriesOf(path, at(offset, length), count)
  } catch (e) {
    throw e instanceof KeepwellError ? e : broken()
  } finally {
    closeSync(file)
  }
}

type At = (position: number, length: number) => DataView

function directoryOf(at: At, size: number): { offset: number; length: number; count: number } {
  const tailSize = Math.min(size, 65_557)
  const tail = at(size - tailSize, tailSize)
  for (let i = tailSize - 22; i >= 0; i--) {
    if (tail.getUint32(i, true) !== 0x06054b50) continue
    const [count, length, offset] = [tail.getUint16(i + 10, true), tail.getUint32(i + 12, true), tail.getUint32(i + 16, true)]
    const locator = i - 20
    if (locator < 0 || tail.getUint32(locator, true) !== 0x07064b50) return { offset, length, count }
    const end = at(Number(tail.getBigUint64(locator + 8, true)), 56)
    if (end.getUint32(0, true) !== 0x06064b50) throw broken()
    return {
      count: Number(end.getBigUint64(32, true)),
      length: Number(end.getBigUint64(40, true)),
      offset: Number(end.getBigUint64(48, true)),
    }
  }
  throw broken()
}

function entriesOf(path: string, directory: DataView, count: number): ZipEntry[] {
  const entries: ZipEntry[] = []
  const decoder = new TextDecoder()
  let i = 0
  for (let n = 0; n < count; n++) {
    if (i + 46 > directory.byteLength || directory.getUint32(i, true) !== 0x02014b50) throw broken()
    const [flags, method] = [directory.getUint16(i + 8, true), directory.getUint16(i + 10, true)]
    let [packed, plain, header] = [directory.getUint32(i + 20, true), directory.getUint32(i + 24, true), directory.getUint32(i + 42, true)]
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map(o => directory.getUint16(i + o, true)) as [number, number, number]
    const name = decoder.decode(new Uint8Array(directory.buffer, directory.byteOffset + i + 46, nameLength))
    const wide = wideSizes(directory, i + 46 + nameLength, extraLength)
    if (plain === 0xffffffff) plain = wide.shift() ?? plain
    if (packed === 0xffffffff) packed = wide.shift() ?? packed
    if (header === 0xffffffff) header = wide.shift() ?? header
    if (!name.endsWith('/') && !(flags & 1) && (method === 0 || method === 8))
      entries.push({ name, open: () => opened(path, { header, packed, plain, method }) })
    i += 46 + nameLength + extraLength + commentLength
  }
  return entries
}

/** Sizes beyond four gigabytes stand in an extra field. */
function wideSizes(directory: DataView, from: number, length: number): number[] {
  for (let i = from; i + 4 <= from + length; ) {
    const [id, size] = [directory.getUint16(i, true), directory.getUint16(i + 2, true)]
    if (id === 1) return Array.from({ length: Math.floor(size / 8) }, (_, k) => Number(directory.getBigUint64(i + 4 + k * 8, true)))
    i += 4 + size
  }
  return []
}

function localHeader(path: string, position: number): DataView {
  const file = openSync(path, 'r')
  try {
    const bytes = new Uint8Array(30)
    if (readSync(file, bytes, 0, 30, position) !== 30) throw broken()
    return new DataView(bytes.buffer)
  } finally {
    closeSync(file)
  }
}

type Where = { readonly header: number; readonly packed: number; readonly plain: number; readonly method: number }

async function* opened(path: string, { header, packed, plain, method }: Where): AsyncGenerator<Uint8Array> {
  const local = localHeader(path, header)
  if (local.getUint32(0, true) !== 0x04034b50) throw broken()
  const start = header + 30 + local.getUint16(26, true) + local.getUint16(28, true)
  if (!packed) return
  const raw = createReadStream(path, { start, end: start + packed - 1 })
  const inflate = method === 8 ? createInflateRaw() : null
  if (inflate) raw.on('error', e => inflate.destroy(e))
  const stream = inflate ? raw.pipe(inflate) : raw
  let size = 0
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > plain || size > packed * MAX_RATIO + 65_536)
        throw new KeepwellError('TOO_LARGE', 'The ZIP archive unpacks to more than it says.')
      yield chunk
    }
  } catch (e) {
    throw e instanceof KeepwellError ? e : broken()
  }
  if (size !== plain) throw broken()
}
