import { type CheckedReading, checkReading } from '@keepwell/sdk/actions/access/check-reading'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { type Cid, cidBytes, rawCid } from '@keepwell/sdk/base/cid'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { Block } from '@keepwell/sdk/ports/blocks'
import { heldBlocks } from '@keepwell/sdk/records/held'
import type { Archive } from './archive.ts'
import type { Held, Holdings } from './book.ts'

export type DoorInput = {
  readonly ctx: Pick<Ctx, 'clock' | 'network' | 'session'>
  readonly holdings: Holdings
  readonly archive: (name: string) => Archive
}

export type Door = {
  /** Sealed blocks for whoever shows a reading that stands now. Throws DENIED, ERASED, HELD_ALTERED, HELD_UNREACHABLE. */
  blocks(reading: Uint8Array, cids: readonly Cid[], signal: AbortSignal): AsyncIterable<Block>
  readonly counts: { readonly given: number; readonly refused: number; readonly altered: number }
}

/** Readings that were looked at and are kept, so that a long reading is checked once. */
const MOST = 128
/** Seconds for which consent and record are taken to stand as they did. */
const FRESH = 3

type Where = { readonly held: Held; readonly made: ReturnType<typeof heldBlocks>; readonly leaf: number; readonly node?: Uint8Array }
type Opened = {
  readonly reading: CheckedReading
  readonly reach: Map<Cid, Where>
  readonly looked: Set<string>
  readonly stood: Map<string, number>
}

/**
 * The door to content that the organisation holds: after the patient's relay wrote the receipt, and for as long as consent and record stand, it
 * seals what is asked for as it was sealed before, and gives out nothing that has changed since.
 */
export function heldDoor({ ctx, holdings, archive }: DoorInput): Door {
  const readings = new Map<string, Promise<Opened>>()
  const counts = { given: 0, refused: 0, altered: 0 }

  function opened(bytes: Uint8Array): Promise<Opened> {
    const name = toHex(sha256(bytes))
    const known = readings.get(name) ?? open(bytes)
    readings.delete(name)
    readings.set(name, known)
    known.catch(() => readings.delete(name))
    if (readings.size > MOST) readings.delete(readings.keys().next().value!)
    return known
  }

  const open = async (bytes: Uint8Array): Promise<Opened> => ({
    reading: await checkReading(ctx, bytes, holdings.relaysOf),
    reach: new Map(),
    looked: new Set(),
    stood: new Map(),
  })

  /** Adds a record's blocks to what a reading reaches, when its receipt names that record. */
  function admit({ reading, reach, looked }: Opened, held: Held | null): void {
    if (!held || held.vault !== reading.vault || !reading.ids.has(toHex(held.id)) || looked.has(toHex(held.id))) return
    looked.add(toHex(held.id))
    const made = heldBlocks(held.id, held)
    for (const { cid, bytes } of made.nodes) reach.set(cid, { held, made, leaf: -1, node: bytes })
    for (const [leaf, digest] of made.digests.entries()) reach.set(rawCid(digest), { held, made, leaf })
  }

  async function find(one: Opened, cid: Cid): Promise<Where> {
    if (!one.reach.has(cid)) admit(one, await holdings.byRoot(cidBytes(cid)))
    for (const id of one.reading.ids) {
      if (one.reach.has(cid)) break
      if (!one.looked.has(id)) admit(one, await holdings.byId(id))
    }
    const where = one.reach.get(cid)
    ensure(where, 'DENIED', 'The receipt does not reach that block.')
    return where
  }

  async function stands({ reading, stood }: Opened, held: Held): Promise<void> {
    const id = toHex(held.id)
    const now = ctx.clock()
    if (now <= reading.until && now < (stood.get(id) ?? 0) + FRESH) return
    ensure(!(await holdings.byId(id))?.detached, 'HELD_UNREACHABLE', 'The organisation gives that file no more.')
    await reading.stands(held.stubs)
    stood.set(id, now)
  }

  async function bytesOf({ held, made, leaf, node }: Where): Promise<Uint8Array> {
    if (node) return node
    if (leaf === 0) return made.header
    const { offset, length } = made.rangeOf(leaf - 1)
    const plain = await archive(held.archive).read(held.ref, offset, length)
    const sealed = plain.length === length ? await made.segment(leaf - 1, plain) : null
    if (sealed && equal(sha256(sealed), made.digests[leaf]!)) return sealed
    counts.altered++
    throw new KeepwellError('HELD_ALTERED', 'The file in the archive is not the one that was signed; nothing of it is given.')
  }

  return {
    counts,
    async *blocks(bytes, cids, signal) {
      try {
        const one = await opened(bytes)
        for (const cid of cids) {
          signal.throwIfAborted()
          const where = await find(one, cid)
          await stands(one, where.held)
          const block = { cid, bytes: await bytesOf(where) }
          counts.given++
          yield block
        }
      } catch (e) {
        counts.refused++
        throw e
      }
    },
  }
}
