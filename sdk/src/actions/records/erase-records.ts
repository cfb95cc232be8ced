import { relayParty } from '#actions/access/check-receipt'
import type { Ctx } from '#actions/context'
import { aboutOf, type Telling, tellErased } from '#actions/rights/tell'
import { callRelay, homeRelay, signerOf } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { equal } from '#base/bytes'
import { ensure } from '#base/error'
import { sign, signedHash, verifySigned } from '#identity/signed'
import { type DeletionMessage, deletionMessage } from '#wire/tombstone'
import { walkTombstones } from './check-tombstones.ts'

type Erasing = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

export type Erasure = Telling & { readonly receipts: readonly DeletionMessage[]; readonly pending: readonly string[] }

const MAX_IDS = 1024

/**
 * Chains the tombstones into the vault head, so that a relay cannot forget one unseen. The chain is taken from the relay, checked against
 * the head in force, for an erasure that was cut short left a tombstone there which no head counts yet.
 */
async function countTombstones(ctx: Erasing): Promise<void> {
  const { ids, root } = await walkTombstones(ctx)
  await changeRing(ctx, r => r, { tombstones: { root, count: ids.length } })
}

/**
 * Erases records (protocol §8): a signed tombstone, then a deletion receipt signed by the relay, checked here. What others opened before is
 * beyond reach; those to whom it may have been disclosed are told (GDPR 19), whether their consents live or not.
 */
export async function eraseRecords(ctx: Erasing, ids: readonly Uint8Array[]): Promise<Erasure> {
  const about = await aboutOf(ctx, ids)
  const receipts = await dropRecords(ctx, ids)
  return { receipts, pending: [], ...(await tellErased(ctx, about)) }
}

/** The same, without telling anybody. */
export async function dropRecords(ctx: Erasing, ids: readonly Uint8Array[]): Promise<DeletionMessage[]> {
  const receipts = await buryRecords(ctx, ids, some => ctx.catalog.drop(some))
  if (receipts.length) await countTombstones(ctx)
  return receipts
}

/** Has the relay keep tombstones for these ids, for ever; `buried` is told of each page that its signed receipt confirms. */
export async function buryRecords(
  ctx: Omit<Erasing, 'catalog'>,
  ids: readonly Uint8Array[],
  buried: (ids: readonly Uint8Array[]) => Promise<void> = async () => {},
): Promise<DeletionMessage[]> {
  const { ring } = ctx.session.state
  const relay = await homeRelay(ctx)
  const receipts: DeletionMessage[] = []
  for (let at = 0; at < ids.length; at += MAX_IDS) {
    const some = ids.slice(at, at + MAX_IDS)
    const tombstone = await sign(signerOf(ring), 'tombstone', { v: 1, vault: ring.did, ids: some, at: ctx.clock() })
    const { receipt } = await callRelay(ctx, relay, 'erase', { tombstone })
    const party = await relayParty(ctx, relay)
    const message = await verifySigned(receipt, 'tombstone', deletionMessage, party.keys)
    const names =
      message.vault === ring.did &&
      message.relay === party.did &&
      receipt.signer === party.did &&
      equal(message.tombstone, signedHash(tombstone)) &&
      message.ids.length === some.length &&
      message.ids.every((id, i) => equal(id, some[i]!))
    ensure(names, 'NO_RECEIPT', 'The relay’s deletion receipt is for something else.')
    await buried(some)
    receipts.push(message)
  }
  return receipts
}
