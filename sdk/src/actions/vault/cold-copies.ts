import { ask, fetcher } from '#actions/access/ask'
import type { Ctx, Progress } from '#actions/context'
import { checkTombstones } from '#actions/records/check-tombstones'
import { liveEntries } from '#actions/records/live-entries'
import { sealedMark } from '#actions/sealed-mark'
import { toHex } from '#base/bytes'
import { type Cid, cidBytes, cidFromBytes } from '#base/cid'
import { ensure, isKeepwellError } from '#base/error'
import { bytes, type Infer, list, object, string } from '#base/shape'
import type { Block, BlockStore } from '#ports/blocks'
import { payloadCid } from '#records/envelope'
import { blocksBelow } from './backup.ts'
import { homeRelay } from './calls.ts'
import { safekeepingOf } from './safekeeping.ts'

type Copying = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

/** A second, independent place for the payload blocks of a record: sealed bytes under addresses, nothing that opens them. */
export type Place = { readonly name: string; readonly store: BlockStore }

/** What is known of one record's copies: its blocks, and the places that acknowledged all of them. */
const copied = object({ id: bytes(16), blocks: list(bytes(36), 1 << 20), places: list(string(300), 16) })
export type Copied = Infer<typeof copied>

/** The list is kept in parts, by the first byte of the record's id, so that a new record rewrites little. */
const PARTS = 256
const partAt = (n: number) => sealedMark<readonly Copied[]>(`cold-${n}`, list(copied, 1 << 20), [])

/** Every record that has a cold copy, and its blocks. */
export async function coldBlocks(ctx: Pick<Ctx, 'catalog' | 'session'>): Promise<Copied[]> {
  const out: Copied[] = []
  for (let n = 0; n < PARTS; n++) out.push(...(await partAt(n).read(ctx)))
  return out
}

/** Changes the parts of the list that hold these records; each is given those that belong to it. */
async function change<T extends { readonly id: Uint8Array }>(
  ctx: Copying,
  concerned: readonly T[],
  to: (known: readonly Copied[], concerned: readonly T[]) => Copied[],
): Promise<void> {
  for (const [n, some] of Map.groupBy(concerned, c => c.id[0]!)) await partAt(n).write(ctx, to(await partAt(n).read(ctx), some))
}

export type ColdReport = {
  readonly place: string
  readonly records: number
  readonly blocks: number
  readonly bytes: number
  readonly dropped: number
  /** Records that were erased and lie there still, sealed under keys that are destroyed: the place never forgets. */
  readonly left: number
  /** Records the place has taken and may lose yet; they are put again next time, and count as copied when it says that they are final. */
  readonly pending: number
  /** A code when the place failed; the rest of it is done next time. */
  readonly failed?: string
}

const PAGE = 256
const BATCH_BYTES = 8 << 20

/**
 * Copies to each place what it lacks of the vault's payloads, and drops there what was erased, and only that: a record that this device does
 * not know of may be one that it has not received yet. A place that fails keeps the others from nothing; one that never forgets is given nothing
 * before the owner agreed to that (CANNOT_ERASE). Sync first.
 */
export async function copyCold(ctx: Copying, places: readonly Place[], progress: Progress = () => {}): Promise<ColdReport[]> {
  const erased = new Set((await checkTombstones(ctx)).map(toHex))
  const { agreed } = safekeepingOf(ctx.session.state.ring, ctx.clock())
  const reports: ColdReport[] = []
  for (const place of places) {
    const counts = { place: place.name, records: 0, blocks: 0, bytes: 0, dropped: 0, left: 0, pending: 0 }
    try {
      const may = !place.store.permanent || agreed.some(a => a.place === place.name)
      ensure(may, 'CANNOT_ERASE', 'A place that never forgets is given nothing before the owner agreed to it.')
      await dropErased(ctx, { place, erased, counts })
      await copyMissing(ctx, { place, counts, progress })
      reports.push(counts)
    } catch (e) {
      if (!isKeepwellError(e)) throw e
      reports.push({ ...counts, failed: e.code })
    }
  }
  return reports
}

type Counts = { -readonly [K in keyof Omit<ColdReport, 'failed'>]: ColdReport[K] }

async function dropErased(ctx: Copying, { place, erased, counts }: { place: Place; erased: ReadonlySet<string>; counts: Counts }) {
  const gone = (await coldBlocks(ctx)).filter(c => c.places.includes(place.name) && erased.has(toHex(c.id)))
  for (const { id, blocks } of gone) {
    if (!place.store.permanent) await place.store.drop(blocks.map(cidFromBytes))
    await change(ctx, [{ id }], known => without(known, id, place.name))
    counts[place.store.permanent ? 'left' : 'dropped']++
  }
}

/** Without that place; a record that is nowhere any more is forgotten. */
const without = (known: readonly Copied[], id: Uint8Array, place: string): Copied[] =>
  known.map(c => (toHex(c.id) === toHex(id) ? { ...c, places: c.places.filter(p => p !== place) } : c)).filter(c => c.places.length)

type Missing = { readonly place: Place; readonly counts: Counts; readonly progress: Progress }

async function copyMissing(ctx: Copying, { place, counts, progress }: Missing): Promise<void> {
  const there = new Set((await coldBlocks(ctx)).filter(c => c.places.includes(place.name)).map(c => toHex(c.id)))
  const ids = (await liveEntries(ctx)).map(e => e.id).filter(id => !there.has(toHex(id)))
  const held = batch(ctx, place, counts)
  for (let at = 0; at < ids.length; at += PAGE) {
    for await (const record of payloadsOf(ctx, ids.slice(at, at + PAGE))) await held.add(record)
    await held.flush()
    progress(Math.min(at + PAGE, ids.length), ids.length)
  }
}

type Payload = { readonly id: Uint8Array; readonly blocks: AsyncIterable<Block> }

/** The blocks of records, by one access at the home relay. */
async function* payloadsOf(ctx: Copying, ids: Uint8Array[]): AsyncGenerator<Payload> {
  const relay = await homeRelay(ctx)
  const answer = await ask(ctx, relay, { vault: ctx.session.state.ring.did, action: 'open', selection: { ids }, purpose: 'PATRQT' })
  const fetch = fetcher(relay, answer.capability)
  for (const { items } of answer.groups) for (const item of items) yield { id: item.id, blocks: blocksBelow(fetch, payloadCid(item)) }
}

/** Gathers blocks and puts them together; a record counts as copied when the place has acknowledged its last block. */
function batch(ctx: Copying, place: Place, counts: Counts) {
  let blocks: Block[] = []
  let size = 0
  let whole: Omit<Copied, 'places'>[] = []
  let final = true
  const put = async (): Promise<void> => {
    try {
      await place.store.put(blocks)
      counts.blocks += blocks.length
      counts.bytes += size
    } catch (e) {
      if (!isKeepwellError(e, 'STORAGE_PENDING')) throw e
      final = false
    }
    blocks = []
    size = 0
  }
  return {
    async add(record: Payload): Promise<void> {
      const cids: Cid[] = []
      for await (const block of record.blocks) {
        cids.push(block.cid)
        blocks.push({ cid: block.cid, bytes: block.bytes.slice() })
        size += block.bytes.length
        if (size >= BATCH_BYTES) await put()
      }
      whole.push({ id: record.id.slice(), blocks: cids.map(cidBytes) })
    },
    async flush(): Promise<void> {
      await put()
      const fresh = new Map(whole.map(w => [toHex(w.id), w]))
      if (final) await change(ctx, [...fresh.values()], (known, some) => merged(known, some, place.name))
      counts[final ? 'records' : 'pending'] += fresh.size
      whole = []
      final = true
    },
  }
}

function merged(known: readonly Copied[], fresh: readonly Omit<Copied, 'places'>[], place: string): Copied[] {
  const all = new Map(known.map(c => [toHex(c.id), c]))
  for (const w of fresh) {
    const places = all.get(toHex(w.id))?.places ?? []
    all.set(toHex(w.id), { ...w, places: [...new Set([...places, place])] })
  }
  return [...all.values()]
}
