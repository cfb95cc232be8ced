import type { Entry } from './catalog.ts'
import { readWords } from './digest.ts'

export type Query = {
  readonly text?: string
  readonly resourceType?: string
  readonly code?: string
  readonly compartment?: string
  readonly from?: string
  readonly to?: string
}

/** When care happened, as sortable text; records without a date come by their filing time. */
export const careDate = (e: Entry): string => e.card.start ?? new Date(e.filedAt * 1000).toISOString()

/** Newest care first; ties by title, so that the order is stable. */
export const byCareDate = (a: Entry, b: Entry): number => careDate(b).localeCompare(careDate(a)) || a.card.title.localeCompare(b.card.title)

/** Whether an entry answers a query: every word in title, codes, type or what is remembered of the content; dates compare by prefix order. */
export function matches(e: Entry, q: Query): boolean {
  const { card } = e
  if (q.resourceType && card.resourceType !== q.resourceType) return false
  if (q.code && !card.codes.some(c => c.code === q.code || `${c.system}|${c.code}` === q.code)) return false
  const date = careDate(e)
  if (q.from && date < q.from) return false
  if (q.to && date.slice(0, q.to.length) > q.to) return false
  if (!q.text) return true
  const hay = [card.title, card.resourceType ?? '', card.kind, ...card.codes.flatMap(c => [c.code, c.display ?? ''])]
    .join(' ')
    .toLowerCase()
  const words = q.text.toLowerCase().split(/\s+/)
  const missing = words.filter(word => !hay.includes(word))
  if (missing.length === 0) return true
  const content = readWords(e).toLowerCase()
  return missing.every(word => content.includes(word))
}

/** Entries by year of care, newest first. */
export function timeline(entries: readonly Entry[]): { year: string; entries: Entry[] }[] {
  const years = Map.groupBy([...entries].sort(byCareDate), e => careDate(e).slice(0, 4))
  return [...years].map(([year, list]) => ({ year, entries: list }))
}
