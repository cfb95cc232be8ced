import type { Found, Query, TimelineItem } from '#rpc/views.ts'
import type { Entries, Item } from './entries.ts'
import { elapsed } from './platform.ts'

/** Answers queries over the opened cards; the page fetches the items it shows. */
export type Finder = {
  find(query: Query): Found
  /** Items `from…to` of an answer; empty for one that is no longer kept. */
  window(token: number, from: number, to: number): readonly TimelineItem[]
}

/** Answers kept: the one shown, and the one shown before while its last windows are fetched. */
const KEPT = 3

export function finder(entries: Entries): Finder {
  const answers = new Map<number, readonly TimelineItem[]>()
  let next = 1
  return {
    find(query) {
      const started = elapsed()
      const found = entries.current().filter(matcher(query))
      const token = next++
      const items = withYears(found)
      answers.set(token, items)
      for (const old of [...answers.keys()].slice(0, -KEPT)) answers.delete(old)
      const types = [...new Set(entries.current().map(i => i.row.type))].sort()
      return { token, items: items.length, records: found.length, types, milliseconds: elapsed() - started }
    },
    window: (token, from, to) => answers.get(token)?.slice(from, to) ?? [],
  }
}

export function matcher({ text = '', compartment, type }: Query): (item: Item) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return ({ row, hay }) =>
    (!compartment || row.compartment === compartment) && (!type || row.type === type) && words.every(w => hay.includes(w))
}

function withYears(found: readonly Item[]): TimelineItem[] {
  const out: TimelineItem[] = []
  for (const [year, list] of Map.groupBy(found, i => i.row.date.slice(0, 4)))
    out.push({ year, count: list.length }, ...list.map(i => i.row))
  return out
}
