import type { Ctx } from '#actions/context'
import { callRelay, homeRelay, makeCall, signerOf } from '#actions/vault/calls'
import { release, toHex } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import type { Block } from '#ports/blocks'
import type { Entry } from '#records/catalog'
import { sealEntry } from '#records/catalog'
import type { PackedDigest } from '#records/digest'
import { type EnvelopeGroup, envelopeHash } from '#records/envelope'
import { type Draft, type Packed, pack, type Target } from '#records/pack'
import { digestOfBody } from './digest-body.ts'
import { openKeys } from './open-record.ts'
import { ownTarget } from './secrets.ts'

/** A draft, and what this device will remember of its content; gathered from the draft's body when it is left out. */
export type Filed = Draft & { readonly digest?: PackedDigest }

type Filing = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

/** Envelopes in one submission: one relay transaction. */
export const MAX_SUBMISSION = 1024
const MAX_UPLOAD = 8 << 20

/**
 * Writes records into the party's own vault: signs, seals, stores, files and notes them. At most MAX_SUBMISSION drafts a call.
 * When it resolves, the relay has acknowledged all of them durably.
 */
export async function fileRecords(ctx: Filing, drafts: readonly Filed[]): Promise<Entry[]> {
  if (drafts.length === 0) return []
  const { ring } = ctx.session.state
  const now = ctx.clock()
  const relay = await homeRelay(ctx)
  const targets = new Map<string, Target>()
  for (const d of drafts) {
    const name = toHex(d.compartment)
    if (!targets.has(name)) targets.set(name, await ownTarget(ring, d.compartment, now))
  }
  const upload = uploader(async blocks => relay.putBlocks(await makeCall(ctx, relay, 'put-blocks', { vault: ring.did }), blocks))
  const { groups, packed } = await pack({
    author: signerOf(ring),
    subject: ring.did,
    drafts,
    target: c => targets.get(toHex(c))!,
    at: now,
    random: ctx.random,
    sink: upload.add,
  })
  await upload.flush()
  try {
    const { firstSeq } = await callRelay(ctx, relay, 'submit', { vault: ring.did, groups, purpose: 'PATRQT' })
    const entries = toEntries({ groups, packed, firstSeq, now, drafts })
    await noteEntries(ctx, entries)
    return entries
  } catch (e) {
    if (!isKeepwellError(e, 'ALREADY_FILED')) throw e
    return finishFiling(ctx, drafts, e)
  }
}

/**
 * After an attempt whose answer was lost: what the relay holds under our random ids is what that attempt sent, and is noted; the rest
 * is filed now. Another record under one of the ids is not ours to overwrite.
 */
async function finishFiling(ctx: Filing, drafts: readonly Filed[], cause: unknown): Promise<Entry[]> {
  const found = new Map(
    (
      await openKeys(
        ctx,
        drafts.map(d => d.id),
      )
    ).map(f => [toHex(f.item.id), f]),
  )
  const same = drafts.filter(d => {
    const card = found.get(toHex(d.id))?.card
    return (
      card &&
      card.author === ctx.session.state.ring.did &&
      card.title === d.facts.title &&
      (!('length' in d.body) || card.size === d.body.length)
    )
  })
  if (same.length === 0 || same.length < found.size) throw cause
  const there = same.map((d): Entry => {
    const { group, item, card } = found.get(toHex(d.id))!
    const { id, cid, leaf, seq } = item
    const { compartment, generation, epoch } = group
    const hash = envelopeHash(group, { id, cid, leaf, card: item.card!, key: item.key! })
    const filedAt = ctx.clock()
    return { id, card, cid, leaf, compartment, generation, epoch, seq, hash, state: 'own', filedAt, ...remembered(d) }
  })
  await noteEntries(ctx, there)
  return [
    ...there,
    ...(await fileRecords(
      ctx,
      drafts.filter(d => !same.includes(d)),
    )),
  ]
}

/**
 * Gathers blocks until a few megabytes are worth one durable write, which goes while the next are gathered. They are its own from then on. That
 * a write failed is thrown by the next one, or by `flush`.
 */
export function uploader(put: (blocks: readonly Block[]) => Promise<void>) {
  let waiting: Block[] = []
  let bytes = 0
  let under: Promise<void> = Promise.resolve()
  async function sent(blocks: readonly Block[]): Promise<void> {
    await put(blocks)
    for (const block of blocks) release(block.bytes)
  }
  async function send(): Promise<void> {
    const blocks = waiting
    waiting = []
    bytes = 0
    await under
    if (blocks.length === 0) return
    under = sent(blocks)
    // A failure is thrown where it is awaited.
    under.catch(() => {})
  }
  return {
    async add(blocks: readonly Block[]): Promise<void> {
      waiting.push(...blocks)
      bytes += blocks.reduce((sum, b) => sum + b.bytes.length, 0)
      if (bytes >= MAX_UPLOAD) await send()
    },
    async flush(): Promise<void> {
      await send()
      await under
    },
  }
}

type Acknowledged = {
  readonly groups: readonly EnvelopeGroup[]
  readonly packed: readonly Packed[]
  readonly firstSeq: number
  readonly now: number
  readonly drafts: readonly Filed[]
}

/** What the entry of a draft says of its content. */
function remembered(d: Filed): Pick<Entry, 'digest'> {
  const digest = d.digest ?? (d.body instanceof Uint8Array ? digestOfBody(d, d.body) : undefined)
  return digest ? { digest } : {}
}

/** The relay numbers envelopes in the order of groups and items. */
function toEntries({ groups, packed, firstSeq, now, drafts }: Acknowledged): Entry[] {
  const byId = new Map(packed.map(p => [toHex(p.id), p]))
  const draftOf = new Map(drafts.map(d => [toHex(d.id), d]))
  return groups
    .flatMap(g => g.items)
    .map((item, i) => {
      const p = byId.get(toHex(item.id))!
      const { compartment, generation, epoch } = p.target
      return {
        id: p.id,
        card: p.card,
        cid: p.cid,
        leaf: p.leaf,
        hash: p.hash,
        compartment,
        generation,
        epoch,
        seq: firstSeq + i,
        state: 'own',
        filedAt: now,
        ...remembered(draftOf.get(toHex(item.id))!),
      }
    })
}

export async function noteEntries(ctx: Pick<Ctx, 'random' | 'catalog' | 'session'>, entries: readonly Entry[]): Promise<void> {
  const key = ctx.session.state.ring.catalog
  const rows = []
  for (const e of entries) rows.push({ id: e.id, sealed: await sealEntry(key, e, ctx.random) })
  await ctx.catalog.note(rows)
}
