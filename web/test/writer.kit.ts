import { randomBytes } from 'node:crypto'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { join } from '@keepwell/sdk/actions/access/invite'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { callRelay, findParty, makeCall, signerOf } from '@keepwell/sdk/actions/vault/calls'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { equal, utf8 } from '@keepwell/sdk/base/bytes'
import { cidBytes } from '@keepwell/sdk/base/cid'
import { ensure } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { merkleTree } from '@keepwell/sdk/crypto/merkle'
import { calendarMessage, epochPublicKey } from '@keepwell/sdk/identity/calendar'
import { peek, sign } from '@keepwell/sdk/identity/signed'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import type { Block } from '@keepwell/sdk/ports/blocks'
import type { Card } from '@keepwell/sdk/records/card'
import { leafInner, recordLeaf } from '@keepwell/sdk/records/envelope'
import { joinPlain, sealWhole } from '@keepwell/sdk/records/payload'
import { encodeTail, type Meta, recordDigest } from '@keepwell/sdk/records/plain'
import { reseal } from '@keepwell/sdk/records/reseal'

const clock = (): number => Math.floor(Date.now() / 1000)
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

/** Somebody with software of their own at the same relay, who answers an invitation. */
export async function writerAt(relay: string, name: string, link: string): Promise<Ctx> {
  const base = { clock, random, network: openNetwork() }
  const { session } = await createVault(base, { name, relay, deviceName: 'own software' })
  const ctx: Ctx = { ...base, catalog: memoryCatalog(), session }
  await join(ctx, link.replace(/^.*#\/join\//, 'keepwell:invite#'))
  return ctx
}

/** Waits until a share to write has arrived. */
export async function mayWrite(ctx: Ctx): Promise<void> {
  for (let tried = 0; tried < 60; tried++) {
    await receiveMessages(ctx)
    if (receivedGrants(ctx).some(g => g.terms.level === 'write')) return
    await new Promise(resolve => setTimeout(resolve, 250))
  }
  throw new Error('No share to write arrived.')
}

/** Files a well-formed record whose card says what its writer likes: signed as one thing, shown as another. */
export async function forge(ctx: Ctx, home: string, lie: Partial<Card>): Promise<void> {
  const body = utf8('{"resourceType":"Observation","status":"final","code":{"text":"Ferritin"}}')
  const { ring } = ctx.session.state
  const relay = await ctx.network.relay(home)
  const { grant, terms, package: pack } = receivedGrants(ctx).find(g => g.terms.level === 'write')!
  const to = terms.patient
  const compartment = pack.compartments[0]!.id
  const id = random(16)
  const form = { author: ring.did, kind: 'fhir', mediaType: 'application/fhir+json', size: body.length } as const
  const meta: Meta = { v: 1, id, authorSalt: random(32), subject: to, ...form, authoredAt: clock(), bodyHash: sha256(body) }
  const batch = await sign(signerOf(ring), 'batch', { v: 1, root: merkleTree([recordDigest(meta)]).root(), size: 1, at: clock() })
  const dek = random(32)
  const blocks: Block[] = []
  const sink = async (b: readonly Block[]): Promise<void> => void blocks.push(...b)
  const plain = joinPlain(body, encodeTail({ meta, proof: { batch, index: 0, path: [] } }))
  const cid = cidBytes(await sealWhole(plain, { id, key: dek, random, sink }))
  const card: Card = { v: 1, salt: random(32), ...form, title: 'Ferritin: 3 ug/L', codes: [], ...lie }
  const leaf = recordLeaf(leafInner({ salt: card.salt, id, cid, author: card.author, subject: to }))
  const published = await relay.calendar(to)
  ensure(published, 'NOT_FOUND', 'The patient publishes no calendar.')
  const calendar = peek(published.calendar, calendarMessage)
  const entry = calendar.compartments.find(c => equal(c.id, compartment))
  ensure(entry, 'NOT_FOUND', 'The calendar has no such part.')
  const epoch = entry.firstEpoch
  const publicKey = epochPublicKey(entry, (await relay.page(to, compartment))!, epoch)
  const group = await reseal(to, [{ id, cid, leaf, card, dek }], { compartment, generation: entry.generation, epoch, publicKey }, random)
  ensure(await findParty(ctx, to), 'UNKNOWN_PARTY', 'The patient is not known.')
  await relay.putBlocks(await makeCall(ctx, relay, 'put-blocks', { vault: to, terms: grant.terms }), blocks)
  await callRelay(ctx, relay, 'submit', { vault: to, groups: [group], terms: grant.terms, purpose: 'TREAT' })
}
