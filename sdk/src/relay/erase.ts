import { concat, readU64 } from '#base/bytes'
import { encode } from '#base/cbor'
import type { Cid } from '#base/cid'
import { ensure } from '#base/error'
import { bytes, decodeAs, list, object, string } from '#base/shape'
import type { Party } from '#identity/bundle'
import type { Did } from '#identity/did'
import { type Signed, sign, signed, signedHash, verifySigned } from '#identity/signed'
import type { Rows } from '#ports/envelopes'
import { payloadCid } from '#records/envelope'
import type { Answer } from '#wire/methods'
import { type DeletionMessage, tombstoneMessage } from '#wire/tombstone'
import { envelopeReader, rekeyBucket } from './buckets.ts'
import type { RelayContext } from './context.ts'
import { dropPayloads, payloadBlocks } from './payloads.ts'
import { at, bucketOf, lastNumber, seqKey, takeNumbers } from './schema.ts'

const doomedShape = object({ keys: list(string(120), 4096), cids: list(bytes(36), 65536) })

/**
 * Erases records: deletes their envelopes, gives the survivors of their buckets new keys, destroys the old keys and drops the
 * payloads. What must be destroyed is written down in the same transaction, so that a crash in between only delays it.
 */
export async function erase(ctx: RelayContext, caller: Party, tombstone: Signed): Promise<Signed> {
  const message = await verifySigned(tombstone, 'tombstone', tombstoneMessage, caller.keys)
  ensure(message.vault === caller.did && tombstone.signer === caller.did, 'BAD_SIGNATURE', 'A vault erases its own records only.')
  await ctx.envelopes.transact(caller.did, async rows => {
    await bury(rows, tombstone)
    await strike(ctx, rows, caller.did, message.ids, signedHash(tombstone))
  })
  await destroyDoomed(ctx, caller.did)
  const { did: relay, version, signing } = ctx.keys
  const deletion: DeletionMessage = { v: 1, vault: caller.did, relay, ids: message.ids, at: ctx.clock(), tombstone: signedHash(tombstone) }
  return sign({ did: relay, version, signing }, 'tombstone', deletion)
}

/** Keeps a signed tombstone for ever; the same one is kept once. */
async function bury(rows: Rows, tombstone: Signed): Promise<void> {
  const hash = signedHash(tombstone)
  if (await rows.get('state', concat(at('tombstone/'), hash))) return
  const seq = await takeNumbers(rows, 'grave', 1)
  await rows.put('state', [{ key: concat(at('tombstone/'), hash), value: seqKey(seq) }])
  await rows.put('grave', [{ key: seqKey(seq), value: encode(tombstone) }])
}

const MAX_GRAVES = 256

/** A page of the vault's tombstones, in the order they were signed in. */
export const listTombstones = (ctx: Pick<RelayContext, 'envelopes'>, vault: Did, after: number): Promise<Answer<'tombstones'>> =>
  ctx.envelopes.read(vault, async rows => ({
    tombstones: (await rows.scan('grave', { after: seqKey(after), limit: MAX_GRAVES })).map(r => decodeAs(signed, r.value)),
    last: await lastNumber(rows, 'grave'),
  }))

async function strike(ctx: RelayContext, rows: Rows, vault: Did, ids: readonly Uint8Array[], tomb: Uint8Array): Promise<void> {
  const buckets = new Set<number>()
  const cids: Uint8Array[] = []
  const read = envelopeReader(ctx, rows)
  for (const id of ids) {
    const key = await rows.get('id', id)
    if (key) {
      const seq = readU64(key.subarray(20))
      const wrapped = await rows.get('env', key)
      if (wrapped) cids.push((await read(key, seq, wrapped)).cid)
      buckets.add(bucketOf(seq))
      await rows.delete('env', [key])
      await rows.delete('seq', [seqKey(seq)])
      await rows.delete('unanchored', [seqKey(seq)])
      await rows.delete('id', [id])
      await rows.delete('anchor', [id])
    }
    await rows.put('tomb', [{ key: id, value: tomb }])
  }
  await condemn(ctx, rows, { vault, buckets, cids })
}

type Condemned = { readonly vault: Did; readonly buckets: ReadonlySet<number>; readonly cids: readonly Uint8Array[] }

/** Gives buckets new keys and writes down, in the same transaction, what is to be destroyed once it is committed. */
export async function condemn(ctx: RelayContext, rows: Rows, { vault, buckets, cids }: Condemned): Promise<void> {
  const keys: string[] = []
  for (const bucket of buckets) keys.push(...(await rekeyBucket(ctx, rows, vault, bucket)))
  if (keys.length || cids.length) await rows.put('doomed', [{ key: ctx.random(16), value: encode({ keys, cids: [...cids] }) }])
}

/** Destroys what earlier erasures condemned; safe to run again at any time. */
export async function destroyDoomed(ctx: RelayContext, vault: Did): Promise<void> {
  const doomed = await ctx.envelopes.read(vault, rows => rows.scan('doomed', { limit: 4096 }))
  for (const row of doomed) {
    const { keys, cids } = decodeAs(doomedShape, row.value)
    for (const name of keys) {
      await ctx.shred.destroy(name)
      ctx.memory.bucketKeys.delete(name)
    }
    const blocks: Cid[] = []
    for (const cid of cids) blocks.push(...(await payloadBlocks(ctx.blocks, payloadCid({ cid }))))
    await dropPayloads(ctx, blocks)
    await ctx.envelopes.transact(vault, rows => rows.delete('doomed', [row.key]))
  }
  if (doomed.length) await ctx.envelopes.scrub()
}
