import type { Ctx } from '#actions/context'
import { changeRing, refreshRing } from '#actions/vault/change-ring'
import { compare, concat, equal, toHex } from '#base/bytes'
import { ensure } from '#base/error'
import { sha256 } from '#crypto/hash'
import { merkleRoot } from '#crypto/merkle'
import { type HeadMessage, headMessage } from '#identity/head'
import { peek } from '#identity/signed'
import type { Entry } from '#records/catalog'
import { liveEntries } from './live-entries.ts'
import { receiveRecords } from './receive-records.ts'

type Publishing = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>
type Live = Pick<Entry, 'id' | 'leaf' | 'compartment' | 'seq'>

/** Root and count of each compartment's records, in the order of their ids' hashes. */
function compartmentRoots(entries: readonly Live[]): HeadMessage['compartments'] {
  const byCompartment = Map.groupBy(entries, e => toHex(e.compartment))
  return [...byCompartment.values()]
    .map(list => ({
      id: list[0]!.compartment,
      root: merkleRoot(list.map(e => sha256(concat(e.id, e.leaf))).sort(compare)),
      count: list.length,
    }))
    .sort((a, b) => compare(a.id, b.id))
}

/** Signs into the vault head what the vault holds, so that a relay cannot leave a record out unseen (protocol §2). */
export async function publishState(ctx: Publishing): Promise<void> {
  // What another device filed or erased meanwhile belongs in it too: a head that forgets a record would accuse the relay of it.
  await refreshRing(ctx)
  await receiveRecords(ctx)
  const entries = await liveEntries(ctx)
  const writes = entries.reduce((max, e) => Math.max(max, e.seq), 0)
  await changeRing(ctx, r => r, { compartments: compartmentRoots(entries), writes })
}

/** Throws OMISSION unless the relay's listing holds exactly what the head in force names, up to the head's write number. */
export function checkState(ctx: Pick<Ctx, 'session'>, listed: readonly Live[]): void {
  const { head } = ctx.session.state
  if (!head) return
  const named = peek(head, headMessage)
  const here = compartmentRoots(listed.filter(e => e.seq <= named.writes))
  const same =
    here.length === named.compartments.length &&
    here.every((c, i) => equal(c.id, named.compartments[i]!.id) && equal(c.root, named.compartments[i]!.root))
  ensure(same, 'OMISSION', 'The relay does not show exactly the records that the vault head names; try another relay or restore a backup.')
}
