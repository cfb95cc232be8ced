import { readWords } from '@keepwell/sdk/records/digest'
import type { Found, Query, Row, TimelineItem } from '#rpc/views.ts'
import type { Entries, Item } from './entries.ts'
import { excerptOf, queryWords } from './fold.ts'
import { elapsed } from './platform.ts'

/** Answers queries over the opened cards; the page fetches the items it shows. */
export type Finder = {
  find(query: Query): Found
  /** All that a query finds. */
  ids(query: Query): readonly string[]
  /** Items `from…to` of an answer; empty for one that is no longer kept. */
  window(token: number, from: number, to: number): readonly TimelineItem[]
}

/** Answers kept: the one shown, and the one shown before while its last windows are fetched. */
const KEPT = 3

/** What a query finds, in order of care. The last answer is kept, for lists and bars ask the same. */
export function searcher(entries: Entries): (query: Query) => readonly Item[] {
  let last: { readonly asked: string; readonly found: readonly Item[] } | null = null
  return ({ text = '', compartment, type, from, to, author, stretch }) => {
    const words = queryWords(text)
    const asked = JSON.stringify([entries.version(), words, compartment, type, from, to, author, stretch])
    if (last?.asked === asked) return last.found
    const passes = filter({ compartment, type, from, to, author, stretch } as Query)
    const found = entries.having(words).filter(passes)
    last = { asked, found }
    return found
  }
}

export function finder(entries: Entries, search = searcher(entries)): Finder {
  const answers = new Map<number, { readonly items: readonly TimelineItem[]; readonly words: readonly string[] }>()
  let next = 1
  let seen: { readonly version: number; readonly types: readonly string[] } | null = null
  const types = (): readonly string[] => {
    if (seen?.version !== entries.version())
      seen = { version: entries.version(), types: [...new Set(entries.current().map(i => i.row.type))].sort() }
    return seen.types
  }
  return {
    find(query) {
      const started = elapsed()
      const found = search(query)
      const token = next++
      const items = withYears(found)
      answers.set(token, { items, words: queryWords(query.text ?? '') })
      for (const old of [...answers.keys()].slice(0, -KEPT)) answers.delete(old)
      return { token, items: items.length, records: found.length, types: types(), milliseconds: elapsed() - started }
    },
    ids: query => search(query).map(i => i.row.id),
    window(token, from, to) {
      const { items, words } = answers.get(token) ?? { items: [], words: [] }
      return items.slice(from, to).map(item => ('year' in item ? item : withExcerpt(entries, item, words)))
    },
  }
}

/** Everything a query asks for but its words. */
function filter({ compartment, type, from, to, author, stretch }: Omit<Query, 'text'>): (item: Item) => boolean {
  return ({ row }) =>
    (!compartment || row.compartment === compartment) &&
    (!type || row.type === type) &&
    (!author || (author === 'own' ? !row.author : row.author === author)) &&
    (!stretch || row.date.startsWith(stretch)) &&
    // A vague date may be any day of the stretch it names.
    (!from || (row.date !== '' && row.date >= from.slice(0, row.date.length))) &&
    (!to || (row.date !== '' && row.date.slice(0, to.length) <= to))
}

/** Where it was found, when its title does not show it. */
function withExcerpt(entries: Entries, row: Row, words: readonly string[]): Row {
  const item = words.length ? entries.get(row.id) : undefined
  const title = item ? queryWords(row.title) : []
  const hidden = words.filter(w => !title.some(t => t.startsWith(w)))
  const excerpt = item && hidden.length ? excerptOf(readWords(item.entry), hidden) : null
  return excerpt ? { ...row, excerpt } : row
}

/** They come in order of care, so that each year is one stretch. */
function withYears(found: readonly Item[]): TimelineItem[] {
  const out: TimelineItem[] = []
  let head: { year: string; count: number } | null = null
  for (const { row } of found) {
    if (!head || (head.year ? !row.date.startsWith(head.year) : row.date !== '')) {
      head = { year: row.date.slice(0, 4), count: 0 }
      out.push(head)
    }
    head.count++
    out.push(row)
  }
  return out
}
