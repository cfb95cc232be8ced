import type { Ctx } from '#actions/context'
import { equal } from '#base/bytes'
import { type Cid, cidBytes, cidFromBytes, parseCid } from '#base/cid'
import { KeepwellError } from '#base/error'
import { sha256Async } from '#crypto/hash'
import type { Block } from '#ports/blocks'
import type { Chest } from '#ports/chest'
import { openCopy, sealCopy } from '#records/copy'
import type { Fetch, UnpackInput } from '#records/unpack'

type Keeping = Pick<Ctx, 'clock' | 'random' | 'session' | 'copies' | 'catalog'>

/** A record that can be opened: its payload's address and key, and where its blocks come from; `holder` where an organisation has the content. */
export type Openable = {
  readonly id: Uint8Array
  readonly cid: Cid
  readonly dek: Uint8Array
  readonly fetch: Fetch
  readonly holder?: NonNullable<UnpackInput['holder']>
}

/** Larger payloads are not kept by themselves. */
const MAX_KEPT = 32 << 20

/** The copy this device keeps of a record; null when there is none that opens. */
export async function keptCopy(ctx: Keeping, id: Uint8Array): Promise<Openable | null> {
  const { copies } = ctx
  const sealed = await copies?.get(id)
  if (!copies || !sealed) return null
  const opened = await openCopy(ctx.session.state.ring.catalog, id, sealed).catch(() => null)
  return opened && { id, dek: opened.dek, cid: cidFromBytes(opened.cid), fetch: blocksIn(copies, id) }
}

const blocksIn = (copies: Chest, id: Uint8Array): Fetch =>
  async function* (cids) {
    for (const cid of cids) {
      const bytes = await copies.part(id, cid)
      if (!bytes || !equal(await sha256Async(bytes), parseCid(cid).digest))
        throw new KeepwellError('NOT_FOUND', 'A block of the copy on this device is missing.')
      yield { cid, bytes }
    }
  }

/** Opens a record through `work`, and keeps its sealed payload when that was read whole. Keeping never makes opening fail. */
export async function keeping<T>(ctx: Keeping, from: Openable, work: (o: Openable) => Promise<T>): Promise<T> {
  const { copies } = ctx
  // What an organisation holds is read there each time: a copy of the record without its content would open nothing.
  if (!copies || from.holder) return work(from)
  const seen = new Map<Cid, Block>()
  let bytes = 0
  const fetch: Fetch = async function* (cids) {
    for await (const block of from.fetch(cids)) {
      bytes += block.bytes.length
      if (bytes <= MAX_KEPT) seen.set(block.cid, block)
      yield block
    }
  }
  const result = await work({ ...from, fetch })
  if (bytes <= MAX_KEPT) {
    const sealed = await sealCopy(ctx.session.state.ring.catalog, from.id, { cid: cidBytes(from.cid), dek: from.dek }, ctx.random)
    const parts = [...seen.values()].map(b => ({ name: b.cid, bytes: b.bytes }))
    await copies
      .put({ id: from.id, sealed, at: ctx.clock() }, parts)
      // What was erased while it was opened leaves no copy.
      .then(async () => (await ctx.catalog.get(from.id)) ?? copies.drop([from.id]))
      .catch(() => {})
  }
  return result
}
