import { concat, utf8 } from '#base/bytes'

/** A file for an archive. */
export type ZipFile = { readonly name: string; readonly time: number; readonly chunks: () => AsyncIterable<Uint8Array> }

type Listed = { readonly name: Uint8Array; readonly when: number; readonly crc: number; readonly size: number; readonly at: number }

const MAX_32 = 0xffffffff
const MAX_16 = 0xffff
/** Version 4.5 knows ZIP64; sizes stand behind the content, names are UTF-8. */
const NEEDED = 45
const FLAGS = 0x0808

/**
 * Files as one ZIP archive (APPNOTE 6.3.10), streamed: stored as they are, so that every file's bytes are in sight, and with ZIP64 where files,
 * places or their number need it. Paths are relative.
 */
export async function* zip(files: AsyncIterable<ZipFile>): AsyncGenerator<Uint8Array> {
  const listed: Listed[] = []
  let at = 0
  for await (const file of files) {
    const name = utf8(file.name)
    const when = dosTime(file.time)
    const head = concat(
      fields([4, 0x04034b50], [2, NEEDED], [2, FLAGS], [2, 0], [4, when], [4, 0], [4, 0], [4, 0], [2, name.length], [2, 0]),
      name,
    )
    yield head
    let crc = 0
    let size = 0
    for await (const chunk of file.chunks()) {
      crc = crc32(chunk, crc)
      size += chunk.length
      yield chunk
    }
    const wide = size >= MAX_32 ? 8 : 4
    const tail = fields([4, 0x08074b50], [4, crc], [wide, size], [wide, size])
    yield tail
    listed.push({ name, when, crc, size, at })
    at += head.length + size + tail.length
  }
  yield* directory(listed, at)
}

function* directory(listed: readonly Listed[], start: number): Generator<Uint8Array> {
  let length = 0
  for (const { name, when, crc, size, at } of listed) {
    const far = [...(size >= MAX_32 ? [size, size] : []), ...(at >= MAX_32 ? [at] : [])]
    const extra = far.length ? fields([2, 1], [2, 8 * far.length], ...far.map(n => [8, n] as const)) : new Uint8Array(0)
    const entry = concat(
      fields([4, 0x02014b50], [2, 0x0300 | NEEDED], [2, NEEDED], [2, FLAGS], [2, 0], [4, when], [4, crc]),
      fields([4, Math.min(size, MAX_32)], [4, Math.min(size, MAX_32)], [2, name.length], [2, extra.length], [2, 0], [2, 0], [2, 0]),
      // A plain file that its owner may read and write.
      fields([4, 0o100600 * 0x10000], [4, Math.min(at, MAX_32)]),
      name,
      extra,
    )
    length += entry.length
    yield entry
  }
  const count = listed.length
  if (count > MAX_16 || start >= MAX_32 || length >= MAX_32) {
    yield fields([4, 0x06064b50], [8, 44], [2, NEEDED], [2, NEEDED], [4, 0], [4, 0], [8, count], [8, count], [8, length], [8, start])
    yield fields([4, 0x07064b50], [4, 0], [8, start + length], [4, 1])
  }
  const shown = Math.min(count, MAX_16)
  yield fields([4, 0x06054b50], [2, 0], [2, 0], [2, shown], [2, shown], [4, Math.min(length, MAX_32)], [4, Math.min(start, MAX_32)], [2, 0])
}

/** Little-endian numbers of so many bytes, one behind the other. */
function fields(...all: readonly (readonly [2 | 4 | 8, number])[]): Uint8Array {
  const out = new DataView(new ArrayBuffer(all.reduce((n, [width]) => n + width, 0)))
  let at = 0
  for (const [width, value] of all) {
    if (width === 8) out.setBigUint64(at, BigInt(value), true)
    else if (width === 4) out.setUint32(at, value, true)
    else out.setUint16(at, value, true)
    at += width
  }
  return new Uint8Array(out.buffer)
}

/** Unix seconds as MS-DOS time and date, which begin in 1980 and count every second second. */
function dosTime(unix: number): number {
  const d = new Date(Math.max(unix, 315_532_800) * 1000)
  const time = (d.getUTCHours() << 11) | (d.getUTCMinutes() << 5) | (d.getUTCSeconds() >> 1)
  const date = ((d.getUTCFullYear() - 1980) << 9) | ((d.getUTCMonth() + 1) << 5) | d.getUTCDate()
  return date * 0x10000 + time
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c
})

/** CRC-32 (ISO 3309) of a stream, continued from what came before. */
function crc32(bytes: Uint8Array, before: number): number {
  let c = ~before
  for (const b of bytes) c = TABLE[(c ^ b) & 255]! ^ (c >>> 8)
  return ~c >>> 0
}
