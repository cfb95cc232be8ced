import { encode } from '#base/cbor'
import { isKeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { merkleTree } from '#crypto/merkle'
import type { Did } from '#identity/did'
import { anchorProof } from '#records/envelope'
import type { Answer, Body } from '#wire/methods'
import { envelopeReader } from './buckets.ts'
import { inTurn, type RelayContext } from './context.ts'
import { readEnvKey } from './schema.ts'

/** Leaves of many vaults in one tree, one transaction: O(1) on the ledger per batch (protocol §4). */
const MAX_BATCH = 16_384

type Waiting = { readonly vault: Did; readonly key: Uint8Array; readonly id: Uint8Array; readonly leaf: Uint8Array }

async function collect(ctx: RelayContext): Promise<Waiting[]> {
  const waiting: Waiting[] = []
  for (const vault of await ctx.envelopes.vaults('unanchored')) {
    const rows = await ctx.envelopes.read(vault, r => r.scan('unanchored', { limit: MAX_BATCH - waiting.length }))
    for (const { key, value } of rows) waiting.push({ vault, key, id: value.slice(0, 16), leaf: value.slice(16) })
    if (waiting.length >= MAX_BATCH) break
  }
  return waiting
}

/**
 * Anchors a tree. Anybody can anchor a root first with a wrong size, which the ledger then keeps; one random leaf makes another root
 * that nobody can have foreseen.
 */
async function anchorLeaves(ctx: RelayContext, leaves: readonly Uint8Array[]) {
  const add = async (all: readonly Uint8Array[]) => {
    const tree = merkleTree(all)
    await ctx.ledger.anchors.add(tree.root(), all.length)
    return { tree, size: all.length }
  }
  try {
    return await add(leaves)
  } catch (e) {
    if (!isKeepwellError(e, 'LEDGER_REFUSED')) throw e
    return add([...leaves, ctx.random(32)])
  }
}

/** Anchors what waits; returns how many records were anchored. A crash in between anchors them again in a later tree. */
export const anchorPending = (ctx: RelayContext): Promise<number> =>
  inTurn(ctx, 'anchor', async () => {
    const waiting = await collect(ctx)
    if (waiting.length === 0) return 0
    const { tree, size } = await anchorLeaves(
      ctx,
      waiting.map(w => w.leaf),
    )
    const root = tree.root()
    const byVault = Map.groupBy(
      waiting.map((w, index) => ({ ...w, index })),
      w => w.vault,
    )
    for (const [vault, own] of byVault) {
      await ctx.envelopes.transact(vault, async rows => {
        await rows.put(
          'anchor',
          own.map(w => ({ key: w.id, value: encode({ root, size, index: w.index, path: tree.inclusionProof(w.index) }) })),
        )
        await rows.delete(
          'unanchored',
          own.map(w => w.key),
        )
      })
    }
    return waiting.length
  })

/** Anchor proofs of records that the caller owns or wrote. */
export async function anchorsOf(ctx: RelayContext, caller: Did, body: Body<'anchors'>): Promise<Answer<'anchors'>> {
  return ctx.envelopes.read(body.vault, async rows => {
    const read = envelopeReader(ctx, rows)
    const anchors = []
    for (const id of body.ids) {
      const key = await rows.get('id', id)
      const wrapped = key && (await rows.get('env', key))
      const proof = await rows.get('anchor', id)
      if (!key || !wrapped || !proof) continue
      const mine = caller === body.vault || (await read(key, readEnvKey(key).seq, wrapped)).by === caller
      if (mine) anchors.push({ id, ...decodeAs(anchorProof, proof) })
    }
    return { anchors }
  })
}
