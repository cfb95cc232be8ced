import type { Gauge } from '#http/metrics'
import type { State } from './spool.ts'

/** What is counted of the listener; nothing of it identifies anyone. */
export type Counters = {
  answered(code: string): void
  stored(what: State | 'again'): void
  moved(from: State | null, to: State | 'filed', n: number): void
  /** What the queue itself says: another process may have changed it. */
  refresh(counts: Readonly<Record<State, number>>): void
  /** Messages in the queue now. */
  waiting(): number
  gauges(): Gauge[]
}

export function countersFrom(start: Readonly<Record<State, number>>): Counters {
  const now: Record<State, number> = { ...start }
  const answers: Record<string, number> = { AA: 0, AE: 0, AR: 0 }
  let filed = 0
  let again = 0
  const gauge = (name: string, about: string, value: number, type: 'gauge' | 'counter' = 'counter'): Gauge => ({
    name: `keepwell_hl7v2_${name}`,
    about,
    value,
    type,
  })
  return {
    answered(code) {
      answers[code] = (answers[code] ?? 0) + 1
    },
    refresh(counts) {
      Object.assign(now, counts)
    },
    stored(what) {
      if (what === 'again') again++
      else now[what]++
    },
    moved(from, to, n) {
      if (from) now[from] -= n
      if (to === 'filed') filed += n
      else now[to] += n
    },
    waiting: () => now.waiting + now.held,
    gauges: () => [
      gauge('accepted_total', 'Messages answered AA.', answers.AA ?? 0),
      gauge('errors_total', 'Messages answered AE.', answers.AE ?? 0),
      gauge('rejected_total', 'Messages answered AR.', answers.AR ?? 0),
      gauge('repeated_total', 'Messages that had been taken before.', again),
      gauge('filed_total', 'Messages filed in a record.', filed),
      gauge('waiting', 'Messages on their way into a record.', now.waiting, 'gauge'),
      gauge('held', 'Messages of a patient that is not known, or gave no consent.', now.held, 'gauge'),
      gauge('quarantined', 'Messages that a person must look at.', now.quarantined, 'gauge'),
    ],
  }
}
