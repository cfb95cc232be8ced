import { isSensitive } from '@keepwell/sdk/base/compartments'
import type { Choice, Choosing } from '#rpc/sharing.ts'
import type { Entries } from './entries.ts'
import { queryWords } from './fold.ts'

const saysAll = (said: string, words: readonly string[]): boolean => words.every(word => said.includes(word))

/** Shown of a choice; the rest is counted. */
const SHOWN = 100

/** The records that a person could share by these words, parts and days of care, newest care first. */
export function choose(entries: Entries, { text, compartments, since, ids }: Choosing): Choice {
  const words = queryWords(text ?? '')
  // A record that was named stays so, also when a newer version has taken its place since.
  const named = ids?.flatMap(id => entries.get(id) ?? []).filter(i => !words.length || saysAll(i.said(), words))
  const rows = (named ?? entries.having(words))
    .filter(
      i =>
        (!compartments || compartments.includes(i.row.compartment)) &&
        // A record without a day of care is not known to be that recent.
        (!since || i.row.date >= since),
    )
    .map(i => i.row)
  const guarded = rows.filter(r => isSensitive(r.compartment))
  return {
    ids: rows.map(r => r.id),
    sample: rows.slice(0, SHOWN),
    parts: [...Map.groupBy(rows, r => r.compartment)].map(([name, list]) => ({ name, count: list.length })),
    sensitive: guarded.slice(0, SHOWN),
    sensitiveCount: guarded.length,
  }
}
