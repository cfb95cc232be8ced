/** The parameters of a search, taken apart: what filters, and what only orders or shapes the answer (R4 3.1.1.4 and 3.1.1.5). */
import { split } from './question.ts'
import type { Params, SearchInput, SearchIssue, Shape } from './types.ts'

/** One filter; several values of one are alternatives, several filters must all hold. */
export type Clause = {
  /** As it was asked, for issues. */
  readonly name: string
  readonly code: string
  readonly modifier: string
  /** What comes behind the first dot of a chain: `name:exact`, `organization.name`. */
  readonly chain: string | null
  readonly values: readonly string[]
}
export type SortKey = { readonly code: string; readonly descending: boolean }
export type Include = {
  readonly name: string
  readonly type: string
  readonly code: string
  readonly target: string | null
  readonly iterate: boolean
}

export type Query = {
  readonly clauses: readonly Clause[]
  readonly types: readonly string[] | null
  readonly sort: readonly SortKey[]
  readonly count: number
  readonly offset: number
  readonly total: 'none' | 'estimate' | 'accurate'
  readonly includes: readonly Include[]
  readonly revincludes: readonly Include[]
  readonly shape: Shape
  readonly used: Params
  readonly unused: readonly string[]
  readonly issues: readonly SearchIssue[]
}

export const about = (name: string, severity: SearchIssue['severity'], code: SearchIssue['code'], text: string): SearchIssue => ({
  severity,
  code,
  text,
  expression: `http.${name}`,
})

/** Names come from outside: in issues they keep to the letters that parameters have. */
export const safeName = (name: string): string => name.replace(/[^A-Za-z0-9_:.-]/g, '?').slice(0, 80)

const CLAUSE = /^([A-Za-z_][A-Za-z0-9_-]*)(?::([A-Za-z-]+))?(?:\.(.+))?$/s

/** A filter by its name: code, modifier, chain. `_has` keeps what follows its colon as its modifier. */
export function clauseOf(name: string, value: string): Clause | null {
  const values = split(value, ',')
  if (name.startsWith('_has:')) return { name, code: '_has', modifier: name.slice('_has:'.length), chain: null, values }
  const m = CLAUSE.exec(name)
  return m && { name, code: m[1]!, modifier: m[2] ?? '', chain: m[3] ?? null, values }
}

/** Without a meaning for the answer, or served by whoever serves the search. */
const IGNORED = new Set(['_format', '_pretty'])
const SUMMARIES: readonly string[] = ['true', 'text', 'data', 'count', 'false']
const TOTALS: readonly string[] = ['none', 'estimate', 'accurate']

type Draft = { -readonly [K in keyof Omit<Query, 'used' | 'unused' | 'issues'>]: Query[K] }
type Setter = (draft: Draft, value: string, name: string) => string | null

const whole = (value: string): number | null => (/^\d{1,9}$/.test(value) ? Number(value) : null)

function include(into: 'includes' | 'revincludes'): Setter {
  return (draft, value, name) => {
    const [type = '', code = '', target] = value.split(':')
    if (value !== '*' && (!type || !code)) return 'Wants Type:parameter or Type:parameter:Target'
    const iterate = name.endsWith(':iterate') || name.endsWith(':recurse')
    const one = value === '*' ? { type: '*', code: '*' } : { type, code }
    draft[into] = [...draft[into], { name, ...one, target: target || null, iterate }]
    return null
  }
}

const SETTERS: Readonly<Record<string, Setter>> = {
  _sort: (draft, value) => {
    const keys = value.split(',').map(key => ({ code: key.replace(/^-/, ''), descending: key.startsWith('-') }))
    if (keys.some(k => !/^[A-Za-z_][A-Za-z0-9_-]*$/.test(k.code))) return 'Wants parameters, separated by commas'
    draft.sort = keys
    return null
  },
  _count: (draft, value) => {
    const n = whole(value)
    if (n === null) return 'Wants a whole number'
    draft.count = n
    return null
  },
  _offset: (draft, value) => {
    const n = whole(value)
    if (n === null) return 'Wants a whole number'
    draft.offset = n
    return null
  },
  _total: (draft, value) => {
    if (!TOTALS.includes(value)) return 'Wants none, estimate or accurate'
    draft.total = value as Query['total']
    return null
  },
  _summary: (draft, value) => {
    if (!SUMMARIES.includes(value)) return 'Wants true, text, data, count or false'
    draft.shape = { ...draft.shape, summary: value as Shape['summary'] }
    return null
  },
  _elements: (draft, value) => {
    draft.shape = { ...draft.shape, elements: value.split(',').filter(Boolean) }
    return null
  },
  _type: (draft, value) => {
    draft.types = value.split(',').filter(Boolean)
    return null
  },
  _include: include('includes'),
  '_include:iterate': include('includes'),
  '_include:recurse': include('includes'),
  _revinclude: include('revincludes'),
  '_revinclude:iterate': include('revincludes'),
  '_revinclude:recurse': include('revincludes'),
}

const NOT_SUPPORTED = new Set(['_contained', '_containedType', '_filter', '_query', '_score'])

/** More of them would be an attack, not a question. */
const MAX_PARAMS = 200
const MAX_VALUE = 20_000

/** Reads the parameters; what cannot be understood becomes an issue, and is left out. */
export function readQuery({
  params,
  defaultCount = 50,
  maxCount = 1000,
}: Pick<SearchInput, 'params' | 'defaultCount' | 'maxCount'>): Query {
  const shape: Shape = { summary: 'false', elements: null }
  const draft: Draft = {
    clauses: [],
    types: null,
    sort: [],
    count: defaultCount,
    offset: 0,
    total: 'accurate',
    includes: [],
    revincludes: [],
    shape,
  }
  const clauses: Clause[] = []
  const used: (readonly [string, string])[] = []
  const unused: string[] = []
  const issues: SearchIssue[] = []
  const refuse = (name: string, code: SearchIssue['code'], text: string): void => {
    issues.push(about(safeName(name), 'error', code, text))
    unused.push(name)
  }
  if (params.length > MAX_PARAMS) refuse('', 'too-costly', `More than ${MAX_PARAMS} parameters`)
  for (const [name, value] of params.slice(0, MAX_PARAMS)) {
    // An empty value asks for nothing (R4 3.1.1.4.1).
    if (value === '' || IGNORED.has(name)) continue
    if (value.length > MAX_VALUE) refuse(name, 'too-costly', `Longer than ${MAX_VALUE} characters`)
    else if (NOT_SUPPORTED.has(name)) refuse(name, 'not-supported', 'This parameter is not supported')
    else if (Object.hasOwn(SETTERS, name)) {
      const problem = SETTERS[name]!(draft, value, name)
      if (problem) refuse(name, 'invalid', problem)
      else used.push([name, value])
    } else {
      const clause = clauseOf(name, value)
      if (!clause) refuse(name, 'invalid', 'Not the name of a parameter')
      else {
        clauses.push(clause)
        used.push([name, value])
      }
    }
  }
  return { ...draft, clauses, count: Math.min(draft.count, maxCount), used, unused, issues }
}
