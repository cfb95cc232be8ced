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

/** All of them: what they name, the end of their chain, and when the newest was signed (0: there is none). */
export type Tombstones = { readonly ids: Uint8Array[]; readonly root: Uint8Array; readonly latest: number }

/** The same, with the whole chain: it may go on past the head, when an erasure was cut short before the head was written. */
export async function walkTombstones(ctx: Checking): Promise<Tombstones> {
  const { ring, head } = ctx.session.state
  const named = head ? peek(head, headMessage).tombstones : NO_TOMBSTONES
  const relay = await homeRelay(ctx)
  const ids: Uint8Array[] = []
  let root: Uint8Array = NO_TOMBSTONES.root
  let latest = 0
  let reached = equal(root, named.root)
  for (let after = 0; ; ) {
    const { tombstones } = await callRelay(ctx, relay, 'tombstones', { after })
    for (const thing of tombstones) {
      const party = await partyAt(ctx, ring.did, thing.version)
      ensure(party, 'UNKNOWN_PARTY', 'The key bundle under which a tombstone was signed is not to be had.')
      const message = await verifySigned(thing, 'tombstone', tombstoneMessage, party.keys)
      ids.push(...message.ids)
      latest = Math.max(latest, message.at)
      root = sha256(root, signedHash(thing))
      reached ||= equal(root, named.root)
    }
    after += tombstones.length
    if (tombstones.length === 0) break
  }
  ensure(reached, 'OMISSION', 'The relay does not show all tombstones that the vault head names.')
  return { ids, root, latest }
}
