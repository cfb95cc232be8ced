import type { Outcome, Verdict } from '@keepwell/sdk/actions/records/import-item'
import type { Args } from './command.ts'
import type { Io } from './io.ts'
import { count, safe } from './show.ts'

export type Tally = {
  readonly by: Readonly<Record<Outcome, number>>
  readonly types: ReadonlyMap<string, number>
  readonly compartments: ReadonlyMap<string, number>
  readonly unplaced: number
  readonly written: boolean
  add(v: Verdict): void
}

export function tally(): Tally {
  const by: Record<Outcome, number> = { taken: 0, 'taken-with-issues': 0, 'already-there': 0, unreadable: 0, failed: 0 }
  const types = new Map<string, number>()
  const compartments = new Map<string, number>()
  let unplaced = 0
  const bump = (map: Map<string, number>, key: string | undefined): void => void (key && map.set(key, (map.get(key) ?? 0) + 1))
  return {
    by,
    types,
    compartments,
    get unplaced() {
      return unplaced
    },
    get written() {
      return by.taken + by['taken-with-issues'] + by.unreadable > 0
    },
    add(v) {
      by[v.outcome]++
      if (v.outcome === 'already-there' || v.outcome === 'failed') return
      bump(types, v.resourceType ?? v.kind)
      bump(compartments, v.compartment)
      if (v.placed === false) unplaced++
    },
  }
}

const WORDS: Readonly<Record<Outcome, string>> = {
  taken: 'taken',
  'taken-with-issues': 'taken with issues',
  'already-there': 'already there',
  unreadable: 'unreadable, kept as a document',
  failed: 'failed',
}

export function verdictLine(v: Verdict): string {
  const where = `${safe(v.item)}${v.place ? ` ${safe(v.place)}` : ''}`
  const what = v.resourceType ?? v.kind
  const issues = v.issueCount ? ` (${count(v.issueCount, 'issue')}: ${safe(v.issues?.[0]?.text ?? '')})` : ''
  return `${WORDS[v.outcome]}: ${where}${what ? ` [${safe(what)}${v.compartment ? `, ${v.compartment}` : ''}]` : ''}${v.why ? `: ${safe(v.why)}` : issues}`
}

/** The last line of an import, and its exit code: 3 when something could not be kept. */
export function summarize(io: Io, args: Pick<Args, 'json'>, t: Tally): number {
  const summary = {
    ...t.by,
    types: Object.fromEntries([...t.types].sort()),
    compartments: Object.fromEntries([...t.compartments].sort()),
    unplaced: t.unplaced,
  }
  io.progress('')
  if (args.json) io.print(JSON.stringify({ summary }))
  else {
    io.print(
      Object.entries(WORDS)
        .flatMap(([o, word]) => (t.by[o as Outcome] ? [`${t.by[o as Outcome].toLocaleString('en')} ${word}`] : []))
        .join(', ') || 'Nothing was found.',
    )
    if (t.compartments.size)
      io.print(
        `Filed: ${[...t.compartments]
          .sort((a, b) => b[1] - a[1])
          .map(([c, n]) => `${c} ${n.toLocaleString('en')}`)
          .join(', ')}`,
      )
    if (t.unplaced) io.print(`${count(t.unplaced, 'record')} had no rule of their own and went to general.`)
  }
  return t.by.failed ? 3 : 0
}
