import { receivedGrants } from '#actions/access/grants'
import type { Ctx } from '#actions/context'
import { callRelay, findParty, makeCall, signerOf } from '#actions/vault/calls'
import { equal, utf8 } from '#base/bytes'
import { cidBytes } from '#base/cid'
import { ensure } from '#base/error'
import { sha256 } from '#crypto/hash'
import { merkleTree } from '#crypto/merkle'
import { calendarMessage, epochPublicKey } from '#identity/calendar'
import { peek, sign } from '#identity/signed'
import type { Block } from '#ports/blocks'
import type { Card } from '#records/card'
import { leafInner, recordLeaf } from '#records/envelope'
import { joinPlain, sealWhole } from '#records/payload'
import { encodeTail, type Meta, recordDigest } from '#records/plain'
import { reseal } from '#records/reseal'

type Forgery = {
  /** Where the patient's record is. */
  readonly home: string
  readonly compartment: Uint8Array
  /** What the card says that the record does not. */
  readonly lie?: Partial<Card>
  readonly body?: Uint8Array
  /** An author's signature that does not verify, or a key that does not open. */
  readonly bad?: 'signature' | 'seal'
}

/** What a writer with its own software could send: a record that is well-formed, but for what it lies about. Gives its id. */
export async function forge(writer: Ctx, { home, compartment, lie = {}, bad, ...more }: Forgery): Promise<Uint8Array> {
  const { random, clock } = writer
  const { ring } = writer.session.state
  const relay = await writer.network.relay(home)
  const write = receivedGrants(writer).find(g => g.terms.level === 'write')
  ensure(write, 'NO_GRANT', 'Nobody lets this writer write.')
  const { patient: to } = write.terms
  const { terms } = write.grant
  const { body = utf8('{"resourceType":"Observation","status":"final","code":{"text":"Ferritin"}}') } = more
  const id = random(16)
  const form = { author: ring.did, kind: 'fhir', mediaType: 'application/fhir+json', size: body.length } as const
  const meta: Meta = { v: 1, id, authorSalt: random(32), subject: to, ...form, authoredAt: clock(), bodyHash: sha256(body) }
  const batch = await sign(signerOf(ring), 'batch', { v: 1, root: merkleTree([recordDigest(meta)]).root(), size: 1, at: clock() })
  const ed25519 = bad === 'signature' ? batch.ed25519.map(b => b ^ 1) : batch.ed25519
  const plain = joinPlain(body, encodeTail({ meta, proof: { batch: { ...batch, ed25519 }, index: 0, path: [] } }))
  const key = random(32)
  const blocks: Block[] = []
  const sink = async (b: readonly Block[]): Promise<void> => void blocks.push(...b)
  const cid = cidBytes(await sealWhole(plain, { id, key, random, sink }))
  const card: Card = { v: 1, salt: random(32), ...form, title: 'forged', codes: [], ...lie }
  const leaf = recordLeaf(leafInner({ salt: card.salt, id, cid, author: card.author, subject: to }))
  const published = await relay.calendar(to)
  ensure(published, 'NOT_FOUND', 'The patient publishes no calendar.')
  const calendar = peek(published.calendar, calendarMessage)
  const entry = calendar.compartments.find(c => equal(c.id, compartment))
  const epoch = calendar.compartments[0]!.firstEpoch
  const party = await findParty(writer, to)
  ensure(party, 'UNKNOWN_PARTY', 'The patient is not known.')
  const publicKey = entry ? await epochPublicKey(entry, (await relay.page(to, compartment))!, epoch) : party.inbox
  const target = { compartment, generation: entry?.generation ?? 0, epoch, publicKey }
  const dek = bad === 'seal' ? random(32) : key
  const group = await reseal(to, [{ id, cid, leaf, card, dek }], target, random)
  await relay.putBlocks(await makeCall(writer, relay, 'put-blocks', { vault: to, terms }), blocks)
  await callRelay(writer, relay, 'submit', { vault: to, groups: [group], terms, purpose: 'TREAT' })
  return id
}
