/** History of a resource, a type or everything (https://hl7.org/fhir/R4/http.html#history), newest first. */
import { type Context, visiblePlan } from './clause.ts'
import type { Inner } from './store.ts'
import type { HistoryInput, HistoryResult, Store, Version } from './types.ts'
import { madeAt } from './versions.ts'

const DEFAULT_COUNT = 50

/** Whether a version was the current one at some time between two instants, the second excluded. */
function currentIn(version: Version, next: Version | undefined, [from, to]: readonly [number, number]): boolean {
  return madeAt(version) < to && (next === undefined || madeAt(next) > from)
}

/** Older versions are seen by whoever sees the present one; what is deleted, by whoever sees all of its type. */
function mayRead({ type, id }: Version, context: Context): boolean {
  const table = context.store.table(type)
  const plan = table && visiblePlan(table, context)
  const row = table?.rowOf(id)
  return !plan || (row !== undefined && plan.has(row))
}

/** See `HistoryInput`. The cursor is a position in a list that only grows at its new end, so pages neither repeat nor skip. */
export function history(store: Store, input: HistoryInput): HistoryResult {
  const { type, id, since, at, count = DEFAULT_COUNT, visible } = input
  const own = store as Inner
  const context: Context = { store: own, now: 0, ...(visible ? { visible } : {}), seen: new Map() }
  const all =
    type !== undefined && id !== undefined ? own.versionsOf(type, id) : own.log().filter(v => type === undefined || v.type === type)
  const known = input.cursor === undefined ? all.length : Number(/^h(\d{1,9})-\d{1,9}$/.exec(input.cursor)?.[1] ?? 0)
  const skip = Number(/-(\d{1,9})$/.exec(input.cursor ?? '')?.[1] ?? 0)
  const wanted = all.slice(0, known).filter(v => {
    if (since !== undefined && madeAt(v) < since) return false
    if (at !== undefined) {
      const versions = own.versionsOf(v.type, v.id)
      if (!currentIn(v, versions[versions.indexOf(v) + 1], at)) return false
    }
    return mayRead(v, context)
  })
  const page = wanted
    .toSorted((a, b) => madeAt(a) - madeAt(b))
    .toReversed()
    .slice(skip, skip + count)
  const end = skip + page.length
  return { versions: page, total: wanted.length, next: end < wanted.length && count > 0 ? `h${known}-${end}` : null }
}
