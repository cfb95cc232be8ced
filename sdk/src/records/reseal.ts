import type { RandomBytes } from '#base/bytes'
import { encode } from '#base/cbor'
import { setupSender } from '#crypto/seal'
import { SUITE } from '#crypto/suite'
import type { Did } from '#identity/did'
import type { Card } from './card.ts'
import { type EnvelopeGroup, groupInfo } from './envelope.ts'
import { sealItem, type Target } from './pack.ts'

export type Resealable = {
  readonly id: Uint8Array
  readonly cid: Uint8Array
  readonly leaf: Uint8Array
  readonly card: Card
  readonly dek: Uint8Array
}

/**
 * The one verb behind moving, re-filing from the inbox, rotation and new suites (protocol §3): opened envelopes under a new
 * encapsulation. Payload, leaf and id stay; `enc` is never reused.
 */
export async function reseal(vault: Did, records: readonly Resealable[], target: Target, random: RandomBytes): Promise<EnvelopeGroup> {
  const { compartment, generation, epoch } = target
  const head = { suite: SUITE, vault, compartment, generation, epoch }
  const sender = await setupSender({ recipient: target.publicKey, info: groupInfo(head), random })
  const items = []
  for (const r of records) items.push(await sealItem(sender, { id: r.id, cid: r.cid, leaf: r.leaf }, encode(r.card), r.dek))
  return { ...head, enc: sender.enc, items }
}
