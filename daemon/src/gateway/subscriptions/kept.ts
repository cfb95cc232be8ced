import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import type { Happened, Subscribed } from './types.ts'

/** Subscriptions and their events on disk: names hashed, values sealed. What resolves is durable. */
export type Kept = {
  list(): Promise<Subscribed[]>
  put(subscribed: Subscribed): Promise<void>
  drop(id: string): Promise<void>
  note(id: string, happened: readonly Happened[]): Promise<void>
  /** Events of these numbers, inclusive; those that were kept long enough are missing. */
  happened(id: string, from: number, to: number): Promise<Happened[]>
  /** Records that were filed and have not been looked into by every subscription yet. */
  due(patient: string, records: readonly string[]): Promise<void>
  done(patient: string, records: readonly string[]): Promise<void>
  allDue(): Promise<Due[]>
  /** Removes events that were kept long enough. */
  sweep(): Promise<void>
}

type Due = { readonly patient: string; readonly records: readonly string[] }

const SUBSCRIPTION = 'subscription'
const EVENT = 'subscription event'
const DUE = 'subscription due'
/** Seconds for which a missed event can be asked for. */
const KEPT_FOR = 30 * 86_400

export function keptIn(tokens: Tokens, clock: () => number): Kept {
  const group = (id: string): string => `subscription ${id}`
  return {
    list: () => tokens.list<Subscribed>(SUBSCRIPTION),
    put: subscribed => tokens.put(SUBSCRIPTION, subscribed.id, subscribed),
    async drop(id) {
      await tokens.drop(SUBSCRIPTION, id)
      await tokens.dropGroup(group(id))
    },
    async note(id, happened) {
      const expires = clock() + KEPT_FOR
      await Promise.all(happened.map(h => tokens.put(EVENT, `${id}/${h.number}`, h, { group: group(id), expires })))
    },
    async happened(id, from, to) {
      const out: Happened[] = []
      for (let number = from; number <= to; number++) {
        const found = await tokens.get<Happened>(EVENT, `${id}/${number}`)
        if (found) out.push(found.value)
      }
      return out
    },
    async due(patient, records) {
      await tokens.change<Due>(DUE, patient, known => ({ patient, records: [...(known?.records ?? []), ...records] }))
    },
    async done(patient, records) {
      const looked = new Set(records)
      await tokens.change<Due>(DUE, patient, known => {
        const left = known?.records.filter(r => !looked.has(r)) ?? []
        return left.length ? { patient, records: left } : null
      })
    },
    allDue: () => tokens.list<Due>(DUE),
    sweep: async () => void (await tokens.sweep()),
  }
}
