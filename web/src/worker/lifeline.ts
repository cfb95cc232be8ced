import { type Belonging, belonging, encountersOf, type Happening, type Occasion, occasions } from '@keepwell/sdk/records/occasions'
import { histogram, periodOf, stretches, type Told, teller, unitOf } from '@keepwell/sdk/records/periods'
import type { Count, Life, LifeQuery, Line, Lines, LinesQuery } from '#rpc/timeline.ts'
import type { Entries, Item } from './entries.ts'
import { searcher } from './find.ts'

/** A record as occasions and periods see it. */
type Happened = Happening & Told & { readonly item: Item }
type Drawn =
  | Happened
  | { readonly inside: Happened }
  | Occasion<Happened>
  | { readonly head: string; readonly count: number }
  | { readonly period: readonly Happened[]; readonly key: string }
type Answer = {
  readonly query: LifeQuery
  readonly found: readonly Item[]
  /** While nothing is open. */
  closed: readonly Drawn[] | null
  layout: { readonly open: string; readonly drawn: readonly Drawn[] } | null
}

/** Looks at a life from any distance; the page fetches the lines it shows. */
export type Lifeline = {
  look(query: LifeQuery): Life
  lines(query: LinesQuery): Lines
  /** Learns what holds for every question, so that the first is answered as quickly as the next. */
  warm(): void
}

/** Answers kept: the one shown, and those left a moment ago while their last lines are fetched. */
const KEPT = 3
const TOLD = 3
const PARTS = 4
const KINDS = 3

export function lifeline(entries: Entries, search = searcher(entries)): Lifeline {
  const answers = new Map<number, Answer>()
  let next = 1
  let known: Known | null = null
  const happened = happenings()
  const know = (): Known => {
    if (known?.version !== entries.version()) known = knowing(entries, happened)
    return known
  }
  const closed = (answer: Answer): readonly Drawn[] => {
    answer.closed ??= lay(answer.query, answer.found.map(happened), know())
    return answer.closed
  }
  const drawn = (answer: Answer, open: readonly string[]): readonly Drawn[] => {
    const key = open.join()
    if (answer.layout?.open !== key) answer.layout = { open: key, drawn: opened(closed(answer), new Set(open)) }
    return answer.layout.drawn
  }
  return {
    warm: () => void know(),
    look(query) {
      const { types, authors, own } = know()
      const found = search(query)
      const answer: Answer = { query, found, closed: null, layout: null }
      const token = next++
      answers.set(token, answer)
      for (const old of [...answers.keys()].slice(0, -KEPT)) answers.delete(old)
      // Words are answered with rows (`finder`); they need no laying out.
      const open = query.text?.trim() ? [] : firstOpen(closed(answer))
      return {
        token,
        records: found.length,
        bars: histogram(datesOf(found), query.zoom, query.stretch),
        items: query.text?.trim() ? 0 : drawn(answer, open).length,
        open,
        types,
        authors,
        own,
      }
    },
    lines({ token, open, from, to }) {
      const answer = answers.get(token)
      if (!answer) return null
      const all = drawn(answer, open)
      const shown = new Set(open)
      return { items: all.length, lines: all.slice(from, to).map(d => lineOf(d, shown, know())) }
    },
  }
}

/** The newest occasion is open at first: what happened last is what is looked for. */
const firstOpen = (drawn: readonly Drawn[]): string[] => {
  const first = drawn.find(d => !('head' in d))
  return first && 'items' in first ? [first.key] : []
}

const datesOf = (found: readonly Item[]): string[] => {
  const out: string[] = []
  for (const { row } of found) if (row.date) out.push(row.date)
  return out
}

type Known = {
  readonly version: number
  readonly belongs: (h: Happened) => Belonging<Happened>
  readonly tell: ReturnType<typeof teller<Happened>>
  readonly types: readonly string[]
  readonly authors: readonly string[]
  readonly own: boolean
}

/** Each record as it is told of, made once: a record that changes is another item. */
function happenings(): (item: Item) => Happened {
  const made = new WeakMap<Item, Happened>()
  return item => {
    const before = made.get(item)
    if (before) return before
    const { row, entry } = item
    const { encounter, source, codes } = entry.card
    const now: Happened = { ...row, end: row.end, author: row.author ?? '', encounter, source, codes, item }
    made.set(item, now)
    return now
  }
}

/** What holds for every question until the records change. */
function knowing(entries: Entries, happened: (item: Item) => Happened): Known {
  const all = entries.current().map(happened)
  const encounterOf = encountersOf(all)
  const belongings = new Map<Happened, Belonging<Happened>>()
  return {
    version: entries.version(),
    belongs(h) {
      const before = belongings.get(h)
      if (before) return before
      const now = belonging(h, encounterOf)
      belongings.set(h, now)
      return now
    },
    tell: teller(all),
    types: [...new Set(all.map(h => h.type))].sort(),
    authors: [...new Set(all.map(h => h.author))].filter(Boolean).sort(),
    own: all.some(h => !h.author),
  }
}

function lay(query: LifeQuery, found: readonly Happened[], known: Known): Drawn[] {
  const undated = found.filter(h => !h.date)
  const rest: Drawn[] = undated.length ? [{ head: '', count: undated.length }, ...undated] : []
  if (query.zoom !== 'day') return [...stretches(found, query.zoom).map(s => ({ key: s.key, period: s.items })), ...rest]
  // Within a year its months are told apart.
  const unit = (unitOf(query.stretch ?? '') ?? 'decade') === 'decade' ? 'year' : 'month'
  // Who asks for one kind of thing wants to see those things.
  const lines = query.type || query.flat ? found.filter(h => h.date) : occasions(found, known.belongs)
  const out: Drawn[] = []
  for (const [head, list] of Map.groupBy<string, Happened | Occasion<Happened>>(lines, o => periodOf(o.date, unit))) {
    out.push({ head, count: list.reduce((n, o) => n + ('items' in o ? o.items.length : 1), 0) })
    for (const o of list) out.push('items' in o && o.items.length === 1 ? o.items[0]! : o)
  }
  return [...out, ...rest]
}

/** With the records of what is open behind it. */
function opened(drawn: readonly Drawn[], open: ReadonlySet<string>): readonly Drawn[] {
  if (!open.size) return drawn
  const out: Drawn[] = []
  for (const d of drawn) {
    out.push(d)
    if ('items' in d && open.has(d.key)) for (const inside of d.items) out.push({ inside })
  }
  return out
}

const counted = (names: Iterable<string>, most: number): Count[] => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts]
    .map(([name, count]) => ({ name, count }))
    .sort((a, b) => b.count - a.count)
    .slice(0, most)
}

function lineOf(d: Drawn, open: ReadonlySet<string>, { tell }: Known): Line {
  if ('head' in d) return { kind: 'head', key: d.head, count: d.count }
  if ('period' in d)
    return {
      kind: 'period',
      key: d.key,
      count: d.period.length,
      parts: counted(
        d.period.map(h => h.item.row.compartment),
        PARTS,
      ),
      told: tell(d.period, TOLD).map(h => h.item.row),
    }
  if ('inside' in d) return { kind: 'row', row: d.inside.item.row, inside: true }
  if (!('items' in d)) return { kind: 'row', row: d.item.row, inside: false }
  const others = d.items.filter(h => h !== d.encounter)
  return {
    kind: 'occasion',
    key: d.key,
    title: d.encounter?.title ?? null,
    date: d.date,
    ...(d.encounter?.end ? { end: d.encounter.end } : {}),
    ...(d.items[0]?.author ? { author: d.items[0].author } : {}),
    types: counted(
      others.map(h => h.type),
      KINDS,
    ),
    count: others.length,
    open: open.has(d.key),
  }
}
