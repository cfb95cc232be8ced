import { type Encounters, encountersOf, type Happening, type Occasion, occasions } from '@keepwell/sdk/records/occasions'
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
  readonly found: readonly Happened[]
  layout: { readonly open: string; readonly drawn: readonly Drawn[] } | null
}

/** Looks at a life from any distance; the page fetches the lines it shows. */
export type Lifeline = { look(query: LifeQuery): Life; lines(query: LinesQuery): Lines }

/** Answers kept: the one shown, and those left a moment ago while their last lines are fetched. */
const KEPT = 3
const TOLD = 3
const PARTS = 4
const KINDS = 3

export function lifeline(entries: Entries, search = searcher(entries)): Lifeline {
  const answers = new Map<number, Answer>()
  let next = 1
  let known: Known | null = null
  const know = (): Known => {
    if (known?.version !== entries.version()) known = knowing(entries)
    return known
  }
  const drawn = (answer: Answer, open: readonly string[]): readonly Drawn[] => {
    const key = open.join()
    if (answer.layout?.open !== key) answer.layout = { open: key, drawn: lay(answer, new Set(open), know()) }
    return answer.layout.drawn
  }
  return {
    look(query) {
      const { of, types, authors, own } = know()
      const found = search(query).map(item => of.get(item)!)
      const answer: Answer = { query, found, layout: null }
      const token = next++
      answers.set(token, answer)
      for (const old of [...answers.keys()].slice(0, -KEPT)) answers.delete(old)
      const open = firstOpen(drawn(answer, []))
      return {
        token,
        records: found.length,
        bars: histogram(
          found.flatMap(h => h.date || []),
          query.zoom,
          query.stretch,
        ),
        items: drawn(answer, open).length,
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
      const opened = new Set(open)
      return { items: all.length, lines: all.slice(from, to).map(d => lineOf(d, opened, know())) }
    },
  }
}

/** The newest occasion is open at first: what happened last is what is looked for. */
const firstOpen = (drawn: readonly Drawn[]): string[] => {
  const first = drawn.find(d => !('head' in d))
  return first && 'items' in first ? [first.key] : []
}

type Known = {
  readonly version: number
  readonly of: ReadonlyMap<Item, Happened>
  readonly encounterOf: Encounters<Happened>
  readonly tell: ReturnType<typeof teller<Happened>>
  readonly types: readonly string[]
  readonly authors: readonly string[]
  readonly own: boolean
}

/** What holds for every question until the records change. */
function knowing(entries: Entries): Known {
  const all = entries.current().map((item): Happened => {
    const { row, entry } = item
    const { encounter, source, codes } = entry.card
    return { ...row, end: row.end, author: row.author ?? '', encounter, source, codes, item }
  })
  return {
    version: entries.version(),
    of: new Map(all.map(h => [h.item, h])),
    encounterOf: encountersOf(all),
    tell: teller(all),
    types: [...new Set(all.map(h => h.type))].sort(),
    authors: [...new Set(all.map(h => h.author))].filter(Boolean).sort(),
    own: all.some(h => !h.author),
  }
}

function lay({ query, found }: Answer, open: ReadonlySet<string>, known: Known): Drawn[] {
  const undated = found.filter(h => !h.date)
  const rest: Drawn[] = undated.length ? [{ head: '', count: undated.length }, ...undated] : []
  if (query.zoom !== 'day') return [...stretches(found, query.zoom).map(s => ({ key: s.key, period: s.items })), ...rest]
  // Within a year its months are told apart.
  const unit = (unitOf(query.stretch ?? '') ?? 'decade') === 'decade' ? 'year' : 'month'
  // Who asks for one kind of thing wants to see those things.
  const lines = query.type || query.flat ? found.filter(h => h.date) : occasions(found, known.encounterOf)
  const out: Drawn[] = []
  for (const [head, list] of Map.groupBy<string, Happened | Occasion<Happened>>(lines, o => periodOf(o.date, unit))) {
    out.push({ head, count: list.reduce((n, o) => n + ('items' in o ? o.items.length : 1), 0) })
    for (const o of list) {
      if (!('items' in o)) out.push(o)
      else if (o.items.length === 1) out.push(o.items[0]!)
      else if (open.has(o.key)) out.push(o, ...o.items.map(inside => ({ inside })))
      else out.push(o)
    }
  }
  return [...out, ...rest]
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
