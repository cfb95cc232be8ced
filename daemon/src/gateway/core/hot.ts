import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { NearBlocks } from '@keepwell/sdk/actions/access/open-session'
import { toHex } from '@keepwell/sdk/base/bytes'
import { hmacSha256 } from '@keepwell/sdk/crypto/hash'
import { HEAD, type Kept, openShelf, type Shelf } from './hot-shelf.ts'

export type HotOptions = {
  /** A folder that nothing else uses; made when it is not there. */
  readonly dir: string
  /** Bytes on disk, of all consents together. */
  readonly limit: number
  /** 32 bytes that only this home has: folders are named by keyed hashes. */
  readonly secret: Uint8Array
}

export type HotCounts = { readonly hits: number; readonly misses: number; readonly damaged: number; readonly bytes: number }

/**
 * What is hot, between sessions: the sealed blocks of records that were opened, as the relay gave them, in one folder for each consent. Keys
 * are no part of it, so a block is opened only after the relay wrote another receipt and gave its key again. A folder goes with its consent,
 * a record with its erasure, and the longest unused when there is no room. It is a copy of what the relay has: losing it costs a fetch.
 *
 * What would have to push out what the same session used, or leave other consents less than a quarter, passes by unkept: a study that does not
 * fit is read in the same order again, and of the longest unused each block would be gone just before it is asked for.
 */
export type Hot = {
  /** For one session. */
  of(commitment: Uint8Array): NearBlocks
  /** Everything goes that was kept under a consent which is not among these. */
  keep(commitments: readonly Uint8Array[]): Promise<void>
  /** What was kept under this consent goes, and nothing more is kept under it. */
  drop(commitment: Uint8Array): Promise<void>
  counts(): HotCounts
  close(): Promise<void>
}

/** A block in a pack has some overhead in memory, so their number is bounded as well. */
const MAX_BLOCKS = 500_000
const PACK = 8 << 20
const WRITE = 1 << 20
/** Blocks that are looked for at once. */
const AT_ONCE = 512
/** Of the limit, what one consent may take from others. */
const SHARE = 0.75
const FOLDER = /^[0-9a-f]{64}$/

/** A session at the shelf of its consent, if it still has one; `since` is the last use before it. */
type Reader = { readonly shelf: Shelf | null; readonly since: number }

export async function openHot({ dir, limit, secret }: HotOptions): Promise<Hot> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const shelves = new Map<string, Shelf>()
  const counts = { hits: 0, misses: 0, damaged: 0 }
  const ended = new Set<string>()
  let uses = 0
  const nameOf = (commitment: Uint8Array): string => toHex(hmacSha256(secret, commitment))

  // What earlier runs left counts towards the limit from the beginning, and goes first.
  for (const name of (await readdir(dir)).filter(n => FOLDER.test(n)).sort()) await shelfAt(name).load()
  await roomFor({ shelf: null, since: uses }, 0, 0)

  function shelfAt(name: string): Shelf {
    const found =
      shelves.get(name) ?? openShelf({ dir: join(dir, name), pack: Math.min(PACK, Math.ceil(limit / 8)), counts, turn: () => ++uses })
    shelves.set(name, found)
    return found
  }

  /** Whether there is room for more of a session's blocks, after what may go for them went. */
  async function roomFor({ shelf, since }: Reader, bytes: number, blocks: number): Promise<boolean> {
    for (;;) {
      const all = [...shelves.values()]
      const held = all.reduce((sum, s) => sum + s.bytes(), bytes)
      if (held <= limit && all.reduce((sum, s) => sum + s.blocks(), blocks) <= MAX_BLOCKS) return true
      const fromOthers = shelf === null || shelf.bytes() + bytes <= limit * SHARE
      const may = (s: Shelf) => s.packs().filter(pack => (s === shelf ? pack.used <= since : fromOthers))
      const oldest = all.flatMap(s => may(s).map(pack => ({ s, pack }))).sort((a, b) => a.pack.used - b.pack.used)[0]
      if (!oldest) return false
      await oldest.s.removePack(oldest.pack)
    }
  }

  // One after another, so that two sessions do not take the same room.
  let adding: Promise<void> = Promise.resolve()
  function add(reader: Reader & { readonly shelf: Shelf }, kept: readonly Kept[], bytes: number): Promise<void> {
    adding = adding.then(async () => {
      if (await roomFor(reader, bytes, kept.length)) await reader.shelf.add(kept)
    })
    return adding
  }

  /** Many small blocks are one write. */
  function keeper({ shelf, since }: Reader) {
    let waiting: Kept[] = []
    let size = 0
    const rest = async (): Promise<void> => {
      if (shelf && waiting.length) await add({ shelf, since }, waiting, size)
      waiting = []
      size = 0
    }
    return {
      rest,
      async take(kept: Kept): Promise<void> {
        waiting.push(kept)
        size += HEAD + kept.block.bytes.length
        if (size >= WRITE) await rest()
      },
    }
  }

  async function remove(name: string): Promise<void> {
    ended.add(name)
    const shelf = shelves.get(name)
    shelves.delete(name)
    await shelf?.close()
    await rm(join(dir, name), { recursive: true, force: true })
  }

  return {
    of(commitment) {
      const name = nameOf(commitment)
      const shelf = ended.has(name) ? null : shelfAt(name)
      const since = uses
      return {
        through: (fetch, recordOf) =>
          async function* (cids) {
            for (let at = 0; at < cids.length; ) {
              const here = (await shelf?.get(cids.slice(at, at + AT_ONCE))) ?? []
              for (const bytes of here) {
                counts.hits++
                yield { cid: cids[at++]!, bytes }
              }
              if (here.length) continue
              let to = at + 1
              while (to < cids.length && !shelf?.has(cids[to]!)) to++
              const keep = keeper({ shelf, since })
              try {
                for await (const block of fetch(cids.slice(at, to))) {
                  counts.misses++
                  await keep.take({ record: recordOf(block.cid), block })
                  yield block
                }
              } finally {
                // Whoever has what it wanted asks for no more.
                await keep.rest()
              }
              at = to
            }
          },
        only: records => shelf?.only(records) ?? Promise.resolve(),
        drop: records => shelf?.drop(records) ?? Promise.resolve(),
      }
    },
    async keep(commitments) {
      const names = new Set(commitments.map(nameOf))
      for (const name of names) ended.delete(name)
      for (const name of [...shelves.keys()]) if (!names.has(name)) await remove(name)
    },
    drop: commitment => remove(nameOf(commitment)),
    counts: () => ({ ...counts, bytes: [...shelves.values()].reduce((sum, s) => sum + s.bytes(), 0) }),
    async close() {
      for (const shelf of shelves.values()) await shelf.close()
    },
  }
}
