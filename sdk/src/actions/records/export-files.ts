import type { Ctx } from '#actions/context'
import { concat, toHex, utf8 } from '#base/bytes'
import { ensure } from '#base/error'
import { isoTime } from '#base/time'
import type { Entry } from '#records/catalog'
import { fileNameOf } from './export-names.ts'
import { openBodies } from './open-bodies.ts'

type Exporting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'catalog'>

export type ExportedFile = {
  readonly name: string
  readonly size: number
  readonly time: number
  readonly chunks: () => AsyncIterable<Uint8Array>
}

/** Every record as a file, byte for byte as it came; the last file, `index.json`, says what each is. */
export async function* exportFiles(ctx: Exporting, entries: readonly Entry[]): AsyncGenerator<ExportedFile> {
  const index = []
  for await (const { entry, meta, chunks } of openBodies(ctx, entries)) {
    const { card } = entry
    const name = fileNameOf(entry)
    index.push({
      file: name,
      id: toHex(entry.id),
      title: card.title,
      ...(card.resourceType ? { resourceType: card.resourceType } : {}),
      mediaType: card.mediaType,
      ...(card.start ? { date: card.start } : {}),
      author: card.author,
      size: meta.size,
      sha256: toHex(meta.bodyHash),
      ...(meta.prior ? { replaces: toHex(meta.prior) } : {}),
      ...(meta.attributes ? { attributes: meta.attributes } : {}),
    })
    yield { name, size: meta.size, time: meta.authoredAt, chunks }
  }
  const bytes = utf8(`${JSON.stringify({ exportedAt: isoTime(ctx.clock()), files: index }, null, 1)}\n`)
  yield {
    name: 'index.json',
    size: bytes.length,
    time: ctx.clock(),
    async *chunks() {
      yield bytes
    },
  }
}

const BLOCK = 512

/** The files as a POSIX.1-2001 pax archive (https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html), streamed. */
export async function* tar(files: AsyncIterable<ExportedFile>): AsyncGenerator<Uint8Array> {
  for await (const file of files) {
    const path = utf8(file.name)
    if (path.length > 99) {
      const record = paxRecord('path', file.name)
      yield concat(header({ name: 'pax', size: record.length, time: file.time, type: 'x' }), padded(record))
    }
    yield header({
      name: path.length > 99 ? `long/${file.name.slice(-40).replace(/[^\x20-\x7e]/g, '_')}` : file.name,
      size: file.size,
      time: file.time,
      type: '0',
    })
    let written = 0
    for await (const chunk of file.chunks()) {
      written += chunk.length
      yield chunk
    }
    ensure(written === file.size, 'DEFECT', 'An exported file has another size than announced.')
    if (written % BLOCK) yield new Uint8Array(BLOCK - (written % BLOCK))
  }
  yield new Uint8Array(2 * BLOCK)
}

const padded = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array((BLOCK - (bytes.length % BLOCK)) % BLOCK))

/** `length key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): Uint8Array {
  const bare = utf8(` ${key}=${value}\n`).length
  let length = bare + String(bare).length
  if (String(length).length !== String(bare).length) length = bare + String(length).length
  return utf8(`${length} ${key}=${value}\n`)
}

type Head = { readonly name: string; readonly size: number; readonly time: number; readonly type: '0' | 'x' }

function header({ name, size, time, type }: Head): Uint8Array {
  const out = new Uint8Array(BLOCK)
  const put = (at: number, s: string): void => out.set(utf8(s), at)
  const octal = (n: number, length: number): string => `${n.toString(8).padStart(length - 1, '0')}\0`
  put(0, name)
  put(100, octal(0o600, 8))
  put(108, octal(0, 8))
  put(116, octal(0, 8))
  if (size < 8 ** 11) put(124, octal(size, 12))
  else {
    // Base-256 form for sizes of 8 GiB and more.
    out[124] = 0x80
    new DataView(out.buffer).setBigUint64(128, BigInt(size))
  }
  put(136, octal(time, 12))
  put(156, type)
  put(257, 'ustar\0')
  put(263, '00')
  put(148, '        ')
  put(
    148,
    `${out
      .reduce((sum, b) => sum + b, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
  )
  return out
}
