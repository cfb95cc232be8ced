import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { concat, equal, toHex, u32be } from '@keepwell/sdk/base/bytes'
import { type Cid, cidBytes, cidFromBytes, parseCid } from '@keepwell/sdk/base/cid'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { Block } from '@keepwell/sdk/ports/blocks'
import { MAX_BLOCK_BYTES } from '@keepwell/sdk/ports/limits'

export type Kept = { readonly record: Uint8Array; readonly block: Block }

/**
 * Blocks kept under one consent: files to which entries are only added, each `length(4) ‖ record(16) ‖ CID(36) ‖ bytes`, found again by reading
 * them through. Nothing here is synced, for whatever is lost is fetched again; nothing that does not hash to its address is given out.
 * A disk that fails costs the keeping, never the reading.
 */
export type Shelf = {
  load(): Promise<void>
  has(cid: Cid): boolean
  /** The first of these, as many as are here and fit into READ bytes; one at least that is here. */
  get(cids: readonly Cid[]): Promise<Uint8Array[]>
  add(kept: readonly Kept[]): Promise<void>
  only(records: readonly Uint8Array[]): Promise<void>
  drop(records: readonly Uint8Array[]): Promise<void>
  bytes(): number
  blocks(): number
  packs(): readonly Pack[]
  removePack(pack: Pack): Promise<void>
  close(): Promise<void>
}

export type ShelfOptions = {
  readonly dir: string
  /** Bytes after which another file is begun: what goes at once when room is needed. */
  readonly pack: number
  readonly counts: { damaged: number }
  /** A number that rises. */
  readonly turn: () => number
}

const CID_AT = 20
/** Bytes of an entry before its block. */
export const HEAD = 56
/** Bytes of blocks that are read at once. */
const READ = 1 << 20
const PACK_NAME = /^[0-9a-f]{16}\.pack$/

type Pack = { readonly name: string; readonly file: Promise<FileHandle>; bytes: number; used: number; readonly cids: Set<Cid> }
type Place = { readonly pack: Pack; readonly at: number; readonly length: number; readonly record: string }

export function openShelf({ dir, pack: packBytes, counts, turn }: ShelfOptions): Shelf {
  const { packs, places, take, read, remove, entriesAt, append, forget } = packsIn(dir, packBytes, turn)
  let closed = false
  // One after another: an entry is whole before the next begins.
  let work: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(job: () => Promise<T>): Promise<T | undefined> => {
    const done = work.then(() => (closed ? undefined : job())).catch(() => undefined)
    work = done
    return done
  }

  /** A pack that loses an entry is written anew without it: a file opened for adding cannot be overwritten in place. */
  async function without(gone: (record: string) => boolean): Promise<void> {
    const touched = new Set<Pack>()
    for (const [cid, place] of [...places])
      if (gone(place.record)) {
        touched.add(place.pack)
        forget(cid)
      }
    for (const pack of touched) {
      const left: Kept[] = []
      for (const cid of pack.cids) {
        const [entry] = await entriesAt([places.get(cid)!])
        if (entry) left.push({ record: entry.subarray(4, CID_AT), block: { cid, bytes: entry.subarray(HEAD) } })
      }
      await remove(pack)
      await append(left)
    }
  }

  async function get(cids: readonly Cid[]): Promise<Uint8Array[]> {
    const here: Place[] = []
    let size = 0
    for (const cid of cids) {
      const place = places.get(cid)
      if (!place || (here.length > 0 && size + place.length > READ)) break
      here.push(place)
      size += place.length
    }
    const out: Uint8Array[] = []
    for (const [i, entry] of (await entriesAt(here)).entries()) {
      const bytes = entry?.subarray(HEAD)
      if (!bytes || !equal(sha256(bytes), parseCid(cids[i]!).digest)) {
        counts.damaged++
        forget(cids[i]!)
        break
      }
      here[i]!.pack.used = turn()
      out.push(bytes)
    }
    return out
  }

  return {
    async load() {
      await inTurn(async () => {
        for (const name of (await readdir(dir)).filter(n => PACK_NAME.test(n))) await read(take(name))
      })
    },
    has: cid => places.has(cid),
    get: async cids => (await inTurn(() => get(cids))) ?? [],
    add: kept => inTurn(() => append(kept)),
    async only(records) {
      const left = new Set(records.map(toHex))
      await inTurn(() => without(record => !left.has(record)))
    },
    async drop(records) {
      const gone = new Set(records.map(toHex))
      if (gone.size) await inTurn(() => without(record => gone.has(record)))
    },
    bytes: () => [...packs].reduce((sum, p) => sum + p.bytes, 0),
    blocks: () => places.size,
    packs: () => [...packs],
    removePack: pack => inTurn(() => remove(pack)),
    close: () =>
      inTurn(async () => {
        closed = true
        for (const pack of packs) await (await pack.file.catch(() => null))?.close().catch(() => {})
        packs.clear()
        places.clear()
      }),
  }
}

/** The files and what is in them, without any order of use. */
function packsIn(dir: string, packBytes: number, turn: () => number) {
  const packs = new Set<Pack>()
  const places = new Map<Cid, Place>()
  let current: Pack | null = null

  function take(name: string): Pack {
    const file = mkdir(dir, { recursive: true, mode: 0o700 }).then(() => open(join(dir, name), 'a+', 0o600))
    file.catch(() => {})
    const pack: Pack = { name, file, bytes: 0, used: turn(), cids: new Set() }
    packs.add(pack)
    return pack
  }

  function note(pack: Pack, cid: Cid, place: Omit<Place, 'pack'>): void {
    if (places.has(cid)) return
    places.set(cid, { ...place, pack })
    pack.cids.add(cid)
  }

  async function remove(pack: Pack): Promise<void> {
    if (!packs.delete(pack)) return
    if (current === pack) current = null
    for (const cid of pack.cids) places.delete(cid)
    await (await pack.file.catch(() => null))?.close().catch(() => {})
    await rm(join(dir, pack.name), { force: true }).catch(() => {})
  }

  return {
    packs,
    places,
    take,
    remove,
    async read(pack: Pack): Promise<void> {
      const file = await pack.file
      const all = new Uint8Array(await file.readFile())
      for (let at = 0; at + HEAD <= all.length; at = pack.bytes) {
        const head = all.subarray(at, at + HEAD)
        const length = new DataView(head.buffer, head.byteOffset).getUint32(0)
        const cid = cidIn(head)
        if (!cid || length > MAX_BLOCK_BYTES || at + HEAD + length > all.length) break
        note(pack, cid, { at, length, record: toHex(head.subarray(4, CID_AT)) })
        pack.bytes = at + HEAD + length
      }
      // What a crash cut off, or nobody can read, is no entry, and what comes after it would not be found.
      if (pack.bytes < all.length) await file.truncate(pack.bytes)
    },
    /** Null for those that cannot be read. What lies one after the other is read in one go, for a page of a record is mostly written so. */
    async entriesAt(wanted: readonly Place[]): Promise<(Uint8Array | null)[]> {
      const out: (Uint8Array | null)[] = []
      for (let from = 0, to = 1; from < wanted.length; from = to, to++) {
        while (to < wanted.length && follows(wanted[to]!, wanted[to - 1]!)) to++
        const [{ pack, at }, last] = [wanted[from]!, wanted[to - 1]!]
        const bytes = await readAt(pack, at, endOf(last) - at).catch(() => NOTHING)
        for (const p of wanted.slice(from, to)) out.push(endOf(p) - at <= bytes.length ? bytes.subarray(p.at - at, endOf(p) - at) : null)
      }
      return out
    },
    async append(kept: readonly Kept[]): Promise<void> {
      const fresh = kept.filter(k => !places.has(k.block.cid))
      if (fresh.length === 0) return
      if (!current || current.bytes >= packBytes) current = take(`${randomBytes(8).toString('hex')}.pack`)
      const pack = current
      const entries = fresh.map(({ record, block }) => concat(u32be(block.bytes.length), record, cidBytes(block.cid), block.bytes))
      try {
        await (await pack.file).appendFile(concat(...entries))
      } catch (e) {
        // Where the next entry would begin is not known any more.
        await remove(pack)
        throw e
      }
      for (const [i, { record, block }] of fresh.entries()) {
        note(pack, block.cid, { at: pack.bytes, length: block.bytes.length, record: toHex(record) })
        pack.bytes += entries[i]!.length
      }
      pack.used = turn()
    },
    forget(cid: Cid): void {
      places.get(cid)?.pack.cids.delete(cid)
      places.delete(cid)
    },
  }
}

const endOf = ({ at, length }: Place): number => at + HEAD + length
const follows = (place: Place, before: Place): boolean => place.pack === before.pack && place.at === endOf(before)

const NOTHING = new Uint8Array(0)

/** As much of it as is there. */
async function readAt({ file }: Pack, at: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  const { bytesRead } = await (await file).read(bytes, 0, length, at)
  return bytes.subarray(0, bytesRead)
}

function cidIn(head: Uint8Array): Cid | null {
  try {
    return cidFromBytes(head.slice(CID_AT, HEAD))
  } catch {
    return null
  }
}
