import type { Ctx } from '#actions/context'
import { equal, toHex } from '#base/bytes'
import { openEntry } from '#records/catalog'
import type { CardFacts } from '#records/pack'
import { heldRecords } from './outbox.ts'

export type Claim =
  /** The same content of the same source is there, or on its way in this import. */
  { readonly state: 'there'; readonly id: Uint8Array } | { readonly state: 'new'; readonly prior?: Uint8Array }

export type Known = {
  /**
   * Asks whether a record is there and, when it is not, remembers that it is about to be. What comes from its source as it is `current`
   * there is new when the newest version here is another, even where an older one was the same.
   */
  claim(facts: CardFacts, id: Uint8Array, current?: boolean): Claim
  /** Takes a claim back, after the record could not be filed. */
  release(facts: CardFacts, id: Uint8Array, prior?: Uint8Array): void
}

/** A `Type/id` whose id is unique only at its server: equal content is the same record, other content may be another person's. */
const WEAK = /^[A-Z][A-Za-z]+\/(?![0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$)[^/]+$/

/** What the vault holds, by source and canonical content: about 200 bytes a record, whatever the records' size. */
export async function knownRecords(ctx: Pick<Ctx, 'catalog' | 'session' | 'outbox'>): Promise<Known> {
  const key = ctx.session.state.ring.catalog
  const contents = new Map<string, Uint8Array>()
  const latest = new Map<string, { id: Uint8Array; at: number }>()
  const contentKey = ({ source, canonical }: CardFacts) => `${source ?? ''}\n${canonical ? toHex(canonical.subarray(0, 16)) : ''}`
  const remember = (facts: CardFacts, id: Uint8Array, at: number): void => {
    if (facts.canonical) contents.set(contentKey(facts), id)
    const before = facts.source === undefined ? undefined : latest.get(facts.source)
    if (facts.source !== undefined && (!before || before.at <= at)) latest.set(facts.source, { id, at })
  }
  let newest = 0
  for await (const row of ctx.catalog.all()) {
    const { id, card, seq } = await openEntry(key, row.id, row.sealed)
    remember(card, id, seq)
    newest = Math.max(newest, seq)
  }
  // What waits on this device is on its way, too.
  for (const { id, waiting } of await heldRecords(ctx)) remember(waiting.card, id, ++newest)
  return {
    claim(facts, id, current = false) {
      const there = facts.canonical && contents.get(contentKey(facts))
      const last = facts.source === undefined ? undefined : latest.get(facts.source)
      if (there && (!current || !last || equal(last.id, there))) return { state: 'there', id: there }
      const before = facts.source !== undefined && !WEAK.test(facts.source) ? last : undefined
      remember(facts, id, ++newest)
      return before ? { state: 'new', prior: before.id } : { state: 'new' }
    },
    release(facts, id, prior) {
      const there = contents.get(contentKey(facts))
      if (there && equal(there, id)) contents.delete(contentKey(facts))
      const { source } = facts
      const last = source === undefined ? undefined : latest.get(source)
      if (source === undefined || !last || !equal(last.id, id)) return
      if (prior) latest.set(source, { id: prior, at: last.at })
      else latest.delete(source)
    },
  }
}
