import type { Ctx } from '#actions/context'
import { equal, toHex } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import { sha256Stream } from '#crypto/hash'
import type { Entry } from '#records/catalog'
import type { Authorship, Meta } from '#records/plain'
import { openRecordStream, openRecords } from './open-record.ts'

type Opening = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'catalog'>

/** A record's content, in memory when it is small. Reading `chunks` to its end proves it whole: it throws when it is not what its author signed. */
export type OpenBody = {
  readonly entry: Entry
  readonly meta: Meta
  readonly proof: Authorship
  readonly chunks: () => AsyncIterable<Uint8Array>
}

/** Larger bodies are streamed, each with an opening of its own. */
const SMALL = 1 << 20
/** Records opened with one receipt. */
const PAGE = 128
/** Bytes of bodies held at once. */
const PAGE_BYTES = 16 << 20

/** Opens records of the own vault one after another, in the order given, with bounded memory. Throws NOT_FOUND when one is not at the relay. */
export async function* openBodies(ctx: Opening, entries: readonly Entry[]): AsyncGenerator<OpenBody> {
  for (let at = 0; at < entries.length; ) {
    const page = pageOf(entries, at)
    at += page.length
    if (page.length === 1 && page[0]!.card.size > SMALL) {
      yield await streamed(ctx, page[0]!)
      continue
    }
    const opened = new Map(
      (
        await openRecords(
          ctx,
          page.map(e => e.id),
        )
      ).map(o => [toHex(o.meta.id), o]),
    )
    for (const entry of page) {
      const found = opened.get(toHex(entry.id))
      if (!found) throw new KeepwellError('NOT_FOUND', `Record ${toHex(entry.id)} is not at the relay; run sync, or restore a backup.`)
      yield { entry, meta: found.meta, proof: found.proof, chunks: () => once(found.body) }
    }
  }
}

function pageOf(entries: readonly Entry[], from: number): Entry[] {
  const page: Entry[] = []
  let bytes = 0
  for (let at = from; at < entries.length && page.length < PAGE; at++) {
    const e = entries[at]!
    if (e.card.size > SMALL) return page.length ? page : [e]
    bytes += e.card.size
    if (page.length && bytes > PAGE_BYTES) break
    page.push(e)
  }
  return page
}

async function streamed(ctx: Opening, entry: Entry): Promise<OpenBody> {
  const ranges = await openRecordStream(ctx, entry)
  return { entry, meta: ranges.meta, proof: ranges.proof, chunks: () => checked(ranges.read(0, ranges.meta.size), ranges.meta) }
}

async function* checked(chunks: AsyncIterable<Uint8Array>, meta: Meta): AsyncIterable<Uint8Array> {
  const hash = sha256Stream()
  for await (const chunk of chunks) {
    hash.update(chunk)
    yield chunk
  }
  ensure(equal(hash.digest(), meta.bodyHash), 'BAD_SIGNATURE', 'The record body is not the one its author signed.')
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
