/** References (R4 3.1.1.4.12): by what they lead to, whether that is here or not. */
import { field } from '#health/fhir/read'
import type { Path } from './compile.ts'
import { type Plan, type Posting, posted, postings } from './plan.ts'
import { invalid, type ParameterIndex, type Question, unescaped, unsupported } from './question.ts'
import { referenceOf, targetOf } from './reference.ts'
import { tokenIndex } from './token-index.ts'

export type ReferenceIndex = ParameterIndex & {
  /** Rows that refer to any of these names (`Type/id`, URLs, URNs). */
  readonly to: (names: Iterable<string>) => Plan
  /** What a row refers to. */
  readonly from: (row: number) => readonly string[]
}

/** Something that is referred to, and the rows that do. */
type Named = { readonly name: string; rows: Posting }

const IDENTIFIER: Path = { steps: [], type: 'Identifier' }
const isType = (x: string): boolean => /^[A-Z]/.test(x)

export function referenceIndex(bases: readonly string[], types: readonly string[] | null): ReferenceIndex {
  const byName = new Map<string, Named>()
  const byId = new Map<string, string | string[]>()
  const byRow: (Named | Named[] | undefined)[] = []
  const identifiers = tokenIndex([IDENTIFIER])

  const named = (row: number, name: string): Named => {
    const known = byName.get(name)
    if (!known) {
      const fresh = { name, rows: row }
      byName.set(name, fresh)
      return fresh
    }
    known.rows = posted(known.rows, row)
    return known
  }
  const note = (row: number, name: string): void => {
    const entry = named(row, name)
    while (byRow.length < row) byRow.push(undefined)
    const known = byRow[row]
    byRow[row] = known === undefined ? entry : [...(Array.isArray(known) ? known : [known]), entry]
  }
  const noteId = (id: string, name: string): void => {
    const known = byId.get(id)
    if (known === undefined) byId.set(id, name)
    else if (known !== name && !known.includes(name)) byId.set(id, [...(typeof known === 'string' ? [known] : known), name])
  }
  const noteText = (row: number, text: string): void => {
    const target = targetOf(text, bases)
    if (!target) return
    note(row, target.key)
    if (target.version) named(row, `${target.key}/_history/${target.version}`)
    const bar = target.type === null ? text.indexOf('|') : -1
    if (bar > 0) note(row, text.slice(0, bar))
    if (target.type !== null && target.key === `${target.type}/${target.id}`) noteId(target.id!, target.key)
  }
  const fits = (path: Path, text: string, claimed: string | undefined): boolean => {
    if (!path.is) return true
    const type = targetOf(text, bases)?.type ?? claimed ?? /^([A-Z][A-Za-z]*)\?/.exec(text)?.[1]
    // What a URN leads to is only known once its target is there; the name then tells it.
    return type === undefined || type === null || path.is.includes(type)
  }
  const to = (names: Iterable<string>): Plan => {
    const found = new Set<Named>()
    let versioned = false
    for (const name of names) {
      const entry = byName.get(name)
      if (entry) found.add(entry)
      if (entry?.name.includes('/_history/')) versioned = true
    }
    const plan = postings([...found].map(e => e.rows))
    if (versioned || found.size < 2) return plan
    // Asked about a few rows, it looks at what they refer to, and merges nothing.
    const has = (row: number): boolean => {
      const known = byRow[row]
      return Array.isArray(known) ? known.some(e => found.has(e)) : known !== undefined && found.has(known)
    }
    return { ...plan, has }
  }
  const leading = (text: string, modifier: string, namesOf: Question['namesOf']): Plan => {
    const target = targetOf(text, bases)
    if (modifier !== '' && !text.includes('/')) return to(namesOf(modifier, text))
    if (target?.type && target.id) {
      if (modifier !== '' && modifier !== target.type) return to([])
      const own = target.key === `${target.type}/${target.id}`
      if (target.version) return to([`${target.key}/_history/${target.version}`])
      return to(own ? [target.key, ...namesOf(target.type, target.id)] : [target.key])
    }
    const direct = [text, ...[byId.get(text) ?? []].flat()]
    if (text.includes(':') || text.includes('/')) return to(direct)
    return to([...direct, ...(types ?? []).flatMap(type => namesOf(type, text)), `urn:uuid:${text}`])
  }
  return {
    to,
    from: row => {
      const known = byRow[row]
      return known === undefined ? [] : Array.isArray(known) ? known.map(e => e.name) : [known.name]
    },
    add: (row, value, path) => {
      const { text, type } = referenceOf(value)
      const identifier = field(value, 'identifier')
      if (identifier !== undefined) identifiers.add(row, identifier, IDENTIFIER)
      if (text === undefined) return identifier !== undefined
      if (!fits(path, text, type)) return false
      noteText(row, text)
      return true
    },
    ask: question => {
      const { value, modifier, namesOf } = question
      if (modifier === 'identifier') return identifiers.ask({ ...question, modifier: '' })
      if (modifier !== '' && !isType(modifier)) return unsupported(modifier)
      const text = unescaped(value)
      return text ? leading(text, modifier, namesOf) : invalid('A reference is empty')
    },
    sortKey: value => referenceOf(value).text ?? null,
  }
}
