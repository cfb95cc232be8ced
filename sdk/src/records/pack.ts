import { concat, type RandomBytes, toHex, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { cidBytes } from '#base/cid'
import { ensure } from '#base/error'
import { sha256 } from '#crypto/hash'
import { merkleTree } from '#crypto/merkle'
import { aeadSeal, type HpkeSender, setupSender } from '#crypto/seal'
import { SUITE } from '#crypto/suite'
import type { Did } from '#identity/did'
import { type Signer, sign } from '#identity/signed'
import type { Card } from './card.ts'
import { type EnvelopeGroup, type EnvelopeItem, envelopeHash, groupInfo, itemAad, leafInner, recordLeaf } from './envelope.ts'
import type { HeldBody } from './held.ts'
import { type BlockSink, type Body, sealBody, sealStream } from './payload.ts'
import { type Authorship, encodeTail, type Meta, recordDigest } from './plain.ts'

export type CardFacts = Omit<Card, 'v' | 'salt' | 'token' | 'author' | 'kind' | 'mediaType' | 'size' | 'prior' | 'milestone'>

/** A record to be written. `compartment` is where it is filed; `label` what the author says it belongs to. */
export type Draft = {
  readonly id: Uint8Array
  readonly kind: Card['kind']
  readonly mediaType: string
  readonly compartment: Uint8Array
  readonly authoredAt: number
  readonly body: Body
  /** SHA-256 of a body in memory, for who knows it already. */
  readonly bodyHash?: Uint8Array
  readonly facts: CardFacts
  readonly prior?: Uint8Array
  readonly milestone?: NonNullable<Card['milestone']>
  readonly attributes?: Readonly<Record<string, string>>
  readonly token?: Uint8Array
  /** The content stays with its author, at this door; then `body` is its beginning, in memory. */
  readonly held?: HeldBody & { readonly url: string }
}

/** The public key a compartment is sealed to now. */
export type Target = {
  readonly compartment: Uint8Array
  readonly generation: number
  readonly epoch: number
  readonly publicKey: Uint8Array
}

export type PackInput = {
  readonly author: Signer
  readonly subject: Did
  readonly drafts: readonly Draft[]
  readonly target: (compartment: Uint8Array) => Target
  readonly at: number
  readonly random: RandomBytes
  readonly sink: BlockSink
}

/** What was filed under which id; `dek` lets the writer open it again in this session and is not stored. */
export type Packed = {
  readonly id: Uint8Array
  readonly card: Card
  readonly cid: Uint8Array
  readonly leaf: Uint8Array
  readonly hash: Uint8Array
  readonly target: Target
}

/** Cards and keys are sealed once each under keys exported from the group's HPKE context (protocol §3). */
export const CARD = utf8('card')
export const KEY = utf8('key')
export const NONCE = new Uint8Array(12)

/** Signs, seals and wraps records; blocks go to the sink, envelopes come back grouped by encapsulation. */
export async function pack(input: PackInput): Promise<{ groups: EnvelopeGroup[]; packed: Packed[] }> {
  const sealed = await sealBodies(input)
  const byCompartment = Map.groupBy(sealed, s => toHex(s.draft.compartment))
  const groups: EnvelopeGroup[] = []
  const packed: Packed[] = []
  for (const members of byCompartment.values()) {
    const target = input.target(members[0]!.draft.compartment)
    const { compartment, generation, epoch } = target
    const head = { suite: SUITE, vault: input.subject, compartment, generation, epoch }
    const sender = await setupSender({ recipient: target.publicKey, info: groupInfo(head), random: input.random })
    const items: EnvelopeItem[] = []
    for (const member of members) {
      const made = await wrap(input, sender, member)
      items.push(made.item)
      packed.push({
        ...made,
        id: member.draft.id,
        cid: made.item.cid,
        leaf: made.item.leaf,
        hash: envelopeHash({ ...head, enc: sender.enc }, made.item),
        target,
      })
    }
    groups.push({ ...head, enc: sender.enc, items })
  }
  return { groups, packed }
}

type Sealed = { readonly draft: Draft; readonly dek: Uint8Array; readonly cid: Uint8Array; readonly size: number }

async function sealBodies(input: PackInput): Promise<Sealed[]> {
  const small = input.drafts.filter((d): d is Draft & { body: Uint8Array } => d.body instanceof Uint8Array)
  const metas = small.map(d =>
    d.held ? metaOf(input, d, d.held.hash, d.held.size) : metaOf(input, d, d.bodyHash ?? sha256(d.body), d.body.length),
  )
  const proofs = await authorships(input, metas)
  const out = new Map<Draft, Sealed>()
  for (const [i, draft] of small.entries()) {
    const dek = input.random(32)
    const tail = encodeTail({ meta: metas[i]!, proof: proofs[i]! })
    const cid = await sealBody(draft.body, tail, { id: draft.id, key: dek, random: input.random, sink: input.sink })
    out.set(draft, { draft, dek, cid: cidBytes(cid), size: metas[i]!.size })
  }
  for (const draft of input.drafts) if (!out.has(draft)) out.set(draft, await sealLarge(input, draft))
  return input.drafts.map(d => out.get(d)!)
}

/** A streamed body is a batch of its own: its hash is known only at its end. */
async function sealLarge(input: PackInput, draft: Draft): Promise<Sealed> {
  ensure(!(draft.body instanceof Uint8Array), 'DEFECT', 'Only streams are sealed as streams.')
  const dek = input.random(32)
  let size = 0
  const tail = async (bodyHash: Uint8Array, length: number): Promise<Uint8Array> => {
    size = length
    const meta = metaOf(input, draft, bodyHash, length)
    const [proof] = await authorships(input, [meta])
    return encodeTail({ meta, proof: proof! })
  }
  const cid = await sealStream(draft.body.chunks(), tail, { id: draft.id, key: dek, random: input.random, sink: input.sink })
  return { draft, dek, cid: cidBytes(cid), size }
}

const metaOf = (input: PackInput, d: Draft, bodyHash: Uint8Array, size: number): Meta => ({
  v: d.held ? 2 : 1,
  id: d.id,
  authorSalt: input.random(32),
  subject: input.subject,
  author: input.author.did,
  kind: d.kind,
  mediaType: d.mediaType,
  compartment: d.compartment,
  authoredAt: d.authoredAt,
  ...(d.prior ? { prior: d.prior } : {}),
  ...(d.milestone ? { milestone: d.milestone } : {}),
  ...(d.attributes ? { attributes: { ...d.attributes } } : {}),
  size,
  bodyHash,
  ...(d.held ? { held: { url: d.held.url, cid: d.held.cid, key: d.held.key, head: (d.body as Uint8Array).length } } : {}),
})

/** One pair of signatures for the whole batch; each record gets its path (protocol §3). */
async function authorships(input: PackInput, metas: readonly Meta[]): Promise<Authorship[]> {
  if (metas.length === 0) return []
  const tree = merkleTree(metas.map(recordDigest))
  const batch = await sign(input.author, 'batch', { v: 1, root: tree.root(), size: metas.length, at: input.at })
  return metas.map((_, index) => ({ batch, index, path: tree.inclusionProof(index) }))
}

async function wrap(input: PackInput, sender: HpkeSender, { draft, dek, cid, size }: Sealed): Promise<{ item: EnvelopeItem; card: Card }> {
  const salt = input.random(32)
  const leaf = recordLeaf(leafInner({ salt, id: draft.id, cid, author: input.author.did, subject: input.subject }), draft.token)
  const card: Card = {
    v: draft.held ? 2 : 1,
    salt,
    ...(draft.token ? { token: draft.token } : {}),
    author: input.author.did,
    kind: draft.kind,
    mediaType: draft.mediaType,
    ...draft.facts,
    ...(draft.milestone ? { milestone: draft.milestone } : {}),
    ...(draft.prior ? { prior: draft.prior } : {}),
    size,
    ...(draft.held ? { held: true } : {}),
  }
  return { item: await sealItem(sender, { id: draft.id, cid, leaf }, encode(card), dek), card }
}

/** Seals card and DEK under the group's exported keys; each such key is used once, so the nonce is zero. */
export async function sealItem(
  sender: Pick<HpkeSender, 'export'>,
  at: Pick<EnvelopeItem, 'id' | 'cid' | 'leaf'>,
  card: Uint8Array,
  dek: Uint8Array,
): Promise<EnvelopeItem> {
  const aad = itemAad(at)
  return {
    ...at,
    card: await aeadSeal({ key: sender.export(concat(CARD, at.id), 32), nonce: NONCE, aad, plaintext: card }),
    key: await aeadSeal({ key: sender.export(concat(KEY, at.id), 32), nonce: NONCE, aad, plaintext: dek }),
  }
}
