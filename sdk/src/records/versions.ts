import { toHex } from '#base/bytes'
import type { Did } from '#identity/did'
import type { Card } from './card.ts'

type Version = { readonly id: Uint8Array; readonly card: Pick<Card, 'prior' | 'author'> }

/** Whose record it is, and which versions were shown to be their author's: a writer can put any name on a card. */
export type Around<V> = { readonly subject: Did; readonly proven: (v: V) => boolean }

/** Who may put a version in the place of a record: whoever wrote it, and whose record it is (protocol §3). Anybody else's stands beside it. */
export const mayReplace = (author: Did, { older, subject }: { readonly older: Did; readonly subject: Did }): boolean =>
  author === older || author === subject

/** Of a vault's own records: those of which its device checked the signatures, or that it wrote. */
export const ownVersions = <V extends { readonly state: 'own' | 'verified' | 'unverified' }>(subject: Did): Around<V> => ({
  subject,
  proven: v => v.state !== 'unverified',
})

type Versions<V> = {
  /** What replaces what: the newer version of a record, by the id of the older in hex. */
  readonly replaced: ReadonlyMap<string, V>
  /** What names a record and does not stand in its place, by the id of that record in hex. */
  readonly beside: ReadonlyMap<string, readonly V[]>
}

/** What names an older record, as far as that is among these. */
export function versionsOf<V extends Version>(records: Iterable<V>, { subject, proven }: Around<V>): Versions<V> {
  const all = [...records]
  const naming = Map.groupBy(
    all.filter(r => r.card.prior),
    r => toHex(r.card.prior!),
  )
  // Of a hundred thousand records a few are named: the others are passed over by two of their bytes.
  const begins = new Set([...naming.values()].map(([first]) => beginning(first!.card.prior!)))
  const replaced = new Map<string, V>()
  const beside = new Map<string, V[]>()
  if (naming.size === 0) return { replaced, beside }
  for (const older of all) {
    if (!begins.has(beginning(older.id))) continue
    const id = toHex(older.id)
    for (const newer of naming.get(id) ?? []) {
      if (mayReplace(newer.card.author, { older: older.card.author, subject }) && proven(newer)) replaced.set(id, newer)
      else beside.set(id, [...(beside.get(id) ?? []), newer])
    }
  }
  return { replaced, beside }
}

const beginning = (id: Uint8Array): number => (id[0]! << 8) | id[1]!

export const replacements = <V extends Version>(records: Iterable<V>, around: Around<V>): ReadonlyMap<string, V> =>
  versionsOf(records, around).replaced

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
