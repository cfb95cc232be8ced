import { toHex } from '#base/bytes'
import type { Card } from './card.ts'

type Version = { readonly id: Uint8Array; readonly card: Pick<Card, 'prior'> }

/** What replaces what: the newer version of a record, by the id of the older in hex (protocol §3). */
export const replacements = <V extends Version>(records: Iterable<V>): Map<string, V> =>
  new Map([...records].flatMap(r => (r.card.prior ? [[toHex(r.card.prior), r] as const] : [])))

/** The last version of a record, when a newer one replaces it; null for the last. */
export function latestOf<V extends Version>(id: string, replaced: ReadonlyMap<string, V>): V | null {
  const seen = new Set([id])
  let last: V | null = null
  for (let next = replaced.get(id); next && !seen.has(toHex(next.id)); next = replaced.get(toHex(next.id))) {
    seen.add(toHex(next.id))
    last = next
  }
  return last
}
