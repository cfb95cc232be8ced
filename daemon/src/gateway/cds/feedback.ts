import { ensure } from '@keepwell/sdk/base/error'
import { field, list, string } from '@keepwell/sdk/health/fhir/read'
import type { Gauge } from '#http/metrics'
import type { RuleName } from './engine.ts'
import { jsonIn } from './request.ts'

/** What became of cards: numbers alone, and for a day the ids of cards, so that each counts once and for who got it. */
export type Feedback = {
  shown(id: string, card: { readonly rule: RuleName; readonly owner: string }): void
  failed(rules: number): void
  /** Counts what a client reports (CDS Hooks 2.0 §Feedback). Throws BAD_INPUT. What it says of others' cards, or of none, counts for nothing. */
  take(owner: string, bytes: Uint8Array): void
  gauges(): Gauge[]
}

const MAX_CARDS = 20_000
const MAX_ITEMS = 1000

export function newFeedback(): Feedback {
  const cards = new Map<string, { readonly rule: RuleName; readonly owner: string }>()
  const counts = { shown: 0, accepted: 0, overridden: 0, failed: 0 }
  return {
    shown(id, card) {
      counts.shown++
      cards.set(id, card)
      if (cards.size > MAX_CARDS) cards.delete(cards.keys().next().value!)
    },
    failed(rules) {
      counts.failed += rules
    },
    take(owner, bytes) {
      const items = list(jsonIn(bytes).feedback)
      ensure(items.length > 0 && items.length <= MAX_ITEMS, 'BAD_INPUT', `feedback: expected a list of 1 to ${MAX_ITEMS}.`)
      const told = items.map((item, i) => {
        const [card, outcome] = [string(field(item, 'card')), field(item, 'outcome')]
        ensure(card, 'BAD_INPUT', `feedback[${i}].card: expected the id of a card.`)
        ensure(outcome === 'accepted' || outcome === 'overridden', 'BAD_INPUT', `feedback[${i}].outcome: accepted or overridden.`)
        const when = string(field(item, 'outcomeTimestamp'))
        ensure(when && Number.isFinite(Date.parse(when)), 'BAD_INPUT', `feedback[${i}].outcomeTimestamp: expected an instant.`)
        return { card, outcome: outcome as 'accepted' | 'overridden' }
      })
      for (const { card, outcome } of told) {
        if (cards.get(card)?.owner !== owner) continue
        cards.delete(card)
        counts[outcome]++
      }
    },
    gauges: () => [
      { name: 'keepwell_cds_cards', about: 'Cards that were shown.', value: counts.shown, type: 'counter' },
      { name: 'keepwell_cds_accepted', about: 'Cards whose advice was taken.', value: counts.accepted, type: 'counter' },
      { name: 'keepwell_cds_overridden', about: 'Cards whose advice was not taken.', value: counts.overridden, type: 'counter' },
      {
        name: 'keepwell_cds_failed',
        about: 'Rules that could not be run to their end on a record.',
        value: counts.failed,
        type: 'counter',
      },
    ],
  }
}
