import type { Ctx } from '#actions/context'
import { callRelay, homeRelay, partyAt } from '#actions/vault/calls'
import { NO_TOMBSTONES } from '#actions/vault/change-ring'
import { equal } from '#base/bytes'
import { ensure } from '#base/error'
import { sha256 } from '#crypto/hash'
import { headMessage } from '#identity/head'
import { peek, signedHash, verifySigned } from '#identity/signed'
import { tombstoneMessage } from '#wire/tombstone'

type Checking = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/**
 * The ids of everything this vault ever erased, from the relay's tombstones: each signed by the vault, and together the chain that
 * the head in force names. Throws OMISSION when the relay forgot one.
 */
export const checkTombstones = async (ctx: Checking): Promise<Uint8Array[]> => (await walkTombstones(ctx)).ids

/** The same, with the whole chain: it may go on past the head, when an erasure was cut short before the head was written. */
export async function walkTombstones(ctx: Checking): Promise<{ readonly ids: Uint8Array[]; readonly root: Uint8Array }> {
  const { ring, head } = ctx.session.state
  const named = head ? peek(head, headMessage).tombstones : NO_TOMBSTONES
  const relay = await homeRelay(ctx)
  const ids: Uint8Array[] = []
  let root: Uint8Array = NO_TOMBSTONES.root
  let reached = equal(root, named.root)
  for (let after = 0; ; ) {
    const { tombstones } = await callRelay(ctx, relay, 'tombstones', { after })
    for (const thing of tombstones) {
      const party = await partyAt(ctx, ring.did, thing.version)
      ensure(party, 'UNKNOWN_PARTY', 'The key bundle under which a tombstone was signed is not to be had.')
      ids.push(...(await verifySigned(thing, 'tombstone', tombstoneMessage, party.keys)).ids)
      root = sha256(root, signedHash(thing))
      reached ||= equal(root, named.root)
    }
    after += tombstones.length
    if (tombstones.length === 0) break
  }
  ensure(reached, 'OMISSION', 'The relay does not show all tombstones that the vault head names.')
  return { ids, root }
}
