/** Strings (R4 3.1.1.4.8): one entry for each distinct text, found by how it begins. */
import { field, list } from '#health/fhir/read'
import { fold } from './fold.ts'
import { type Plan, type Posting, posted, postings } from './plan.ts'
import { type ParameterIndex, unescaped, unsupported } from './question.ts'

type Entry = { readonly folded: string; rows: Posting }
export type Texts = {
  readonly add: (row: number, text: string) => void
  readonly startingWith: (text: string) => Plan
  readonly containing: (text: string) => Plan
  readonly exactly: (text: string) => Plan
}

/** So many entries lie unsorted before they are merged. */
const LOOSE = 256

const byText = (a: Entry, b: Entry): number => (a.folded < b.folded ? -1 : a.folded > b.folded ? 1 : 0)

export function texts(): Texts {
  const entries = new Map<string, Entry>()
  let sorted: Entry[] = []
  let loose: Entry[] = []

  const settle = (): void => {
    if (loose.length <= LOOSE) return
    // Two runs in order: the engine's merge sort takes linear time for them.
    sorted = sorted.concat(loose.sort(byText)).sort(byText)
    loose = []
  }
  return {
    add: (row, text) => {
      const known = entries.get(text)
      if (known) known.rows = posted(known.rows, row)
      else {
        const entry = { folded: fold(text), rows: row }
        entries.set(text, entry)
        loose.push(entry)
      }
    },
    startingWith: text => {
      settle()
      const begin = fold(text)
      let low = 0
      let high = sorted.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if (sorted[middle]!.folded < begin) low = middle + 1
        else high = middle
      }
      const found: Posting[] = []
      for (; sorted[low]?.folded.startsWith(begin); low++) found.push(sorted[low]!.rows)
      for (const e of loose) if (e.folded.startsWith(begin)) found.push(e.rows)
      return postings(found)
    },
    containing: text => {
      const part = fold(text)
      return postings([...entries.values()].filter(e => e.folded.includes(part)).map(e => e.rows))
    },
    exactly: text => {
      const entry = entries.get(text)
      return postings(entry ? [entry.rows] : [])
    },
  }
}

const PARTS: Readonly<Record<string, readonly string[]>> = {
  HumanName: ['text', 'family', 'given', 'prefix', 'suffix'],
  Address: ['text', 'line', 'city', 'district', 'state', 'postalCode', 'country'],
}

/** The texts of a value: a name or an address has several. */
export function* textsOf(value: unknown, type: string): Generator<string> {
  const parts = PARTS[type]
  if (!parts) {
    if (typeof value === 'string' && value.trim()) yield value
    return
  }
  for (const part of parts) for (const text of list(field(value, part))) if (typeof text === 'string' && text.trim()) yield text
}

export function stringIndex(): ParameterIndex {
  const all = texts()
  return {
    add: (row, value, path) => {
      let any = false
      for (const text of textsOf(value, path.type)) {
        all.add(row, text)
        any = true
      }
      return any
    },
    ask: ({ value, modifier }) => {
      const text = unescaped(value)
      if (modifier === '') return all.startingWith(text)
      if (modifier === 'contains') return all.containing(text)
      return modifier === 'exact' ? all.exactly(text) : unsupported(modifier)
    },
    sortKey: (value, path) => {
      const [first] = textsOf(value, path.type)
      return first === undefined ? null : fold(first)
    },
  }
}
