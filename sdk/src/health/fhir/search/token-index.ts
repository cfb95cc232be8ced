/** Tokens (R4 3.1.1.4.10): codes, identifiers, contact points, truth values; one entry for each distinct code. */
import { field, list, string } from '#health/fhir/read'
import type { Path } from './compile.ts'
import { NONE, type Plan, type Posting, post, posted, postingPlan, postings } from './plan.ts'
import { invalid, type ParameterIndex, type Problem, type Question, split, unescaped, unsupported } from './question.ts'
import { texts } from './string-index.ts'

type Code = { readonly system: string; readonly code: string }
type Entry = Code & { rows: Posting }

const SPECIAL_VALUES = 'http://terminology.hl7.org/CodeSystem/special-values'
/** UCUM is case sensitive; of others it is mostly unclear, and then R4 wants the wider answer. */
const sameCase = (system: string): boolean => system === 'http://unitsofmeasure.org'

const PHONE = /^\+?[\d\s().\-/]{3,}$/
/** Phone numbers are written in many ways. */
const contact = (value: string): string => (PHONE.test(value) ? value.replace(/\D/g, '') : value)

const keyOf = (system: string, code: string): string => `${system}|${sameCase(system) ? code : code.toLowerCase()}`

const coding = (c: unknown): Code | null => {
  const code = string(field(c, 'code'))
  const system = string(field(c, 'system'))
  return code === undefined && system === undefined ? null : { system: system ?? '', code: code ?? '' }
}

/** The codes in a value; one of a plain `code` has no system of its own. */
export function codesOf(value: unknown, { type }: Path): (Code | null)[] {
  switch (type) {
    case 'CodeableConcept':
      return list(field(value, 'coding')).map(coding)
    case 'Coding':
      return [coding(value)]
    case 'Identifier': {
      const code = string(field(value, 'value'))
      const system = string(field(value, 'system'))
      return [code === undefined && system === undefined ? null : { system: system ?? '', code: code ?? '' }]
    }
    case 'ContactPoint': {
      const code = string(field(value, 'value'))
      return [code === undefined ? null : { system: '', code: contact(code) }]
    }
    default:
      return [typeof value === 'string' || typeof value === 'boolean' ? { system: '', code: String(value) } : null]
  }
}

function* wordsOf(value: unknown, { type }: Path): Generator<string> {
  const own = type === 'CodeableConcept' ? 'text' : type === 'Coding' ? 'display' : null
  const codings = type === 'CodeableConcept' ? list(field(value, 'coding')) : type === 'Identifier' ? [field(value, 'type')] : []
  if (own) yield string(field(value, own)) ?? ''
  for (const c of codings) yield string(field(c, type === 'Identifier' ? 'text' : 'display')) ?? ''
}

/** `[system]|[code]`; a missing bar leaves the system open (null). */
function asked(value: string): { system: string | null; code: string } {
  const parts = split(value, '|').map(unescaped)
  return parts.length === 1 ? { system: null, code: parts[0]! } : { system: parts[0]!, code: parts.slice(1).join('|') }
}

function append<T>(map: Map<string, T[]>, key: string, item: T): void {
  const known = map.get(key)
  if (known) known.push(item)
  else map.set(key, [item])
}

export function tokenIndex(paths: readonly Path[]): ParameterIndex {
  const entries = new Map<string, Entry>()
  const byCode = new Map<string, Entry[]>()
  const bySystem = new Map<string, Entry[]>()
  const ofType = new Map<string, Posting>()
  const words = texts()
  const contacts = paths.some(p => p.type === 'ContactPoint')
  const implied = new Set(paths.flatMap(p => (p.type === 'boolean' || p.type === 'Flag' ? [SPECIAL_VALUES] : (p.systems ?? []))))

  const note = (row: number, { system, code }: Code): void => {
    const key = keyOf(system, code)
    const known = entries.get(key)
    if (known) {
      known.rows = posted(known.rows, row)
      return
    }
    const entry = { system, code, rows: row }
    entries.set(key, entry)
    const folded = code.toLowerCase()
    append(byCode, folded, entry)
    append(bySystem, system, entry)
  }
  const noteType = (row: number, value: unknown): void => {
    const code = string(field(value, 'value'))
    if (code !== undefined)
      for (const c of list(field(field(value, 'type'), 'coding'))) {
        const kind = coding(c)
        if (kind) post(ofType, `${kind.system}|${kind.code}|${code}`.toLowerCase(), row)
      }
  }
  const exactly = (value: string): Plan => {
    const { system, code: written } = asked(value)
    const code = contacts ? contact(written) : written
    if (system === null) {
      // A case-sensitive system gives entries that differ from what was asked.
      const found = (byCode.get(code.toLowerCase()) ?? []).filter(e => !sameCase(e.system) || e.code === code)
      return postings(found.map(e => e.rows))
    }
    const systems = implied.has(system) ? [system, ''] : [system]
    if (code === '') return postings(systems.flatMap(s => bySystem.get(s) ?? []).map(e => e.rows))
    return postings(systems.flatMap(s => entries.get(keyOf(s, code)) ?? []).map(e => e.rows))
  }
  const judged = (judge: (e: Entry) => boolean | null, unknown: string): Plan | Problem => {
    const found: Posting[] = []
    for (const e of entries.values()) {
      const verdict = judge(e)
      if (verdict === null) return { problem: 'not-found', text: unknown }
      if (verdict) found.push(e.rows)
    }
    return postings(found)
  }
  const systemOf = (e: Entry): string | undefined => e.system || (implied.size === 1 ? [...implied][0] : undefined)

  const inSet = ({ value, terminology }: Question): Plan | Problem =>
    terminology
      ? judged(e => terminology.contains(unescaped(value), systemOf(e), e.code), 'The value set is not known here')
      : { problem: 'not-supported', text: 'There is no terminology service to expand the value set' }
  const related = ({ value, terminology }: Question, below: boolean): Plan | Problem => {
    if (!terminology) return { problem: 'not-supported', text: 'There is no terminology service that knows the hierarchy' }
    const { system, code } = asked(value)
    return judged(e => {
      if (system !== null && systemOf(e) !== system) return false
      return below ? terminology.subsumes(systemOf(e), code, e.code) : terminology.subsumes(systemOf(e), e.code, code)
    }, 'The hierarchy of the code system is not known here')
  }
  return {
    add: (row, value, path) => {
      let any = false
      for (const code of codesOf(value, path)) {
        if (!code) continue
        note(row, code)
        any = true
      }
      for (const text of wordsOf(value, path)) if (text) words.add(row, text)
      if (path.type === 'Identifier') noteType(row, value)
      return any
    },
    ask: question => {
      const { value, modifier } = question
      switch (modifier) {
        case '':
          return value === '|' ? invalid('A token is empty') : exactly(value)
        case 'text':
          return words.startingWith(unescaped(value))
        case 'in':
          return inSet(question)
        case 'below':
        case 'above':
          return related(question, modifier === 'below')
        case 'of-type': {
          const parts = split(value, '|').map(unescaped)
          if (parts.length !== 3 || parts.some(p => p === '')) return invalid(':of-type wants system|code|value')
          return postingPlan(ofType.get(parts.join('|').toLowerCase())) ?? NONE
        }
        default:
          return unsupported(modifier)
      }
    },
    sortKey: (value, path) =>
      codesOf(value, path)
        .find(c => c !== null)
        ?.code.toLowerCase() ?? null,
  }
}
