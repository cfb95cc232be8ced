import { relayParty } from '#actions/access/check-receipt'
import type { Ctx } from '#actions/context'
import { callRelay, homeRelay, signerOf } from '#actions/vault/calls'
import { changeRing, NO_TOMBSTONES } from '#actions/vault/change-ring'
import { equal } from '#base/bytes'
import { ensure } from '#base/error'
import { sha256 } from '#crypto/hash'
import { sign, signedHash, verifySigned } from '#identity/signed'
import { type DeletionMessage, deletionMessage } from '#wire/tombstone'

type Erasing = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

export type Erasure = { readonly receipts: readonly DeletionMessage[]; readonly pending: readonly string[] }

const MAX_IDS = 1024

/** Chains a tombstone into the vault head, so that a relay cannot forget it unseen: root' = SHA-256(root ‖ tombstone hash). */
async function countTombstone(ctx: Erasing, hash: Uint8Array, ids: number): Promise<void> {
  await changeRing(
    ctx,
    r => r,
    last => {
      const before = last?.tombstones ?? NO_TOMBSTONES
      return { tombstones: { root: sha256(before.root, hash), count: before.count + ids } }
    },
  )
}

/**
 * Erases records (protocol §8): a signed tombstone, then a deletion receipt signed by the relay, checked here. What others
 * opened before is beyond reach.
 */
export async function eraseRecords(ctx: Erasing, ids: readonly Uint8Array[]): Promise<Erasure> {
  const { ring } = ctx.session.state
  const relay = await homeRelay(ctx)
  const party = await relayParty(ctx, relay)
  const receipts: DeletionMessage[] = []
  for (let at = 0; at < ids.length; at += MAX_IDS) {
    const some = ids.slice(at, at + MAX_IDS)
    const tombstone = await sign(signerOf(ring), 'tombstone', { v: 1, vault: ring.did, ids: some, at: ctx.clock() })
    const { receipt } = await callRelay(ctx, relay, 'erase', { tombstone })
    const message = await verifySigned(receipt, 'tombstone', deletionMessage, party.keys)
    const names = message.vault === ring.did && equal(message.tombstone, signedHash(tombstone)) && message.ids.length === some.length
    ensure(names, 'NO_RECEIPT', 'The relay’s deletion receipt is for something else.')
    await ctx.catalog.drop(some)
    await countTombstone(ctx, signedHash(tombstone), some.length)
    receipts.push(message)
  }
  return { receipts, pending: [] }
}
