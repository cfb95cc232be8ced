import type { Ctx } from '#actions/context'
import { callRelay, homeRelay } from '#actions/vault/calls'
import { ensure } from '#base/error'
import type { Entry } from '#records/catalog'
import { envelopeHash } from '#records/envelope'
import { reseal } from '#records/reseal'
import { noteEntries } from './file-records.ts'
import { openKeys } from './open-record.ts'
import { ownTarget } from './secrets.ts'

type Moving = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

/** Re-seals records to a compartment's current generation: moving, filing from the inbox, rotation. Payloads stay where they are. */
export async function moveRecords(ctx: Moving, entries: readonly Entry[], compartment: Uint8Array): Promise<Entry[]> {
  if (entries.length === 0) return []
  const { ring } = ctx.session.state
  const found = await openKeys(
    ctx,
    entries.map(e => e.id),
  )
  ensure(found.length === entries.length, 'NOT_FOUND', 'A record to be moved is not at the relay.')
  const target = await ownTarget(ring, compartment, ctx.clock())
  const records = found.map(({ item, card, dek }) => ({ id: item.id, cid: item.cid, leaf: item.leaf, card, dek }))
  const group = await reseal(ring.did, records, target, ctx.random)
  const { firstSeq } = await callRelay(ctx, await homeRelay(ctx), 'submit', {
    vault: ring.did,
    groups: [group],
    purpose: 'PATRQT',
    replace: true,
  })
  const moved = group.items.map((item, i): Entry => {
    const before = entries.find(e => e.id.every((b, n) => b === item.id[n]))!
    return {
      ...before,
      compartment: target.compartment,
      generation: target.generation,
      epoch: target.epoch,
      seq: firstSeq + i,
      hash: envelopeHash(group, item),
    }
  })
  await noteEntries(ctx, moved)
  return moved
}
