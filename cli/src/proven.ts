import type { ProvenLine } from '@keepwell/sdk/actions/access/check-trail-proof'
import { safe, table, when } from './show.ts'
import { purposeWord } from './words.ts'

/** One line of a trail that a stranger checks, as JSON. */
export const provenLine = ({ receipt: r, index, reader }: ProvenLine) => ({
  seq: r.seq,
  index,
  time: r.time,
  actor: r.actor,
  person: r.person ?? null,
  action: r.action,
  verdict: r.verdict,
  purpose: r.purpose,
  records: r.ids,
  reader,
})

export const provenTable = (lines: readonly ReturnType<typeof provenLine>[]): string[] =>
  table(
    lines.map(l => [
      when(l.time),
      safe(l.person ?? l.actor),
      l.action,
      purposeWord(l.purpose),
      l.reader === 'verified' ? 'signed by the reader' : 'reader’s keys not shown',
    ]),
    70,
  )

/** Where anybody finds on the ledger what it holds. */
export const writtenIn = (w?: { readonly tx: string; readonly block: number; readonly time: number } | null): string =>
  w ? ` (block ${w.block}, ${when(w.time)}, transaction ${w.tx})` : ''
