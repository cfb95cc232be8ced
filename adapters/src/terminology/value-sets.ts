/** What a ValueSet's definition means here: which concepts it selects, and whether it holds one. */
import type { DatabaseSync } from 'node:sqlite'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { field, isObject, type JsonObject, list, string } from '@keepwell/sdk/health/fhir/read'
import { parseEcl } from '@keepwell/sdk/health/terminology/ecl'
import { grammarOf } from '@keepwell/sdk/health/terminology/grammars'
import { ancestors, combined, descendants, eclHolds, eclQuery, isBelow, type Query, query, unsupported } from './hierarchy.ts'

const MAX_NESTING = 16
const bare = (canonical: string): string => canonical.replace(/\|[^|]*$/, '')
const missing = (url: string): KeepwellError => new KeepwellError('NOT_FOUND', `${url} is not loaded here.`)

/** SNOMED CT's implicit value sets (FHIR R4, "Using SNOMED CT with HL7 standards"). */
function implicit(url: string): JsonObject | null {
  const found = /^(http:\/\/snomed\.info\/sct)(?:\/\d+(?:\/version\/\d+)?)?\?fhir_vs(?:=(.*))?$/.exec(url)
  if (!found) return null
  const told = decodeURIComponent(found[2] ?? '')
  const [kind, rest] = [told.split('/')[0], told.slice(told.indexOf('/') + 1)]
  const value = !told ? null : kind === 'isa' ? `<<${rest}` : kind === 'refset' ? `^${rest}` : kind === 'ecl' ? rest : undefined
  if (value === undefined) throw unsupported('an implicit definition')
  const filter = value === null ? {} : { filter: [{ property: 'constraint', op: '=', value }] }
  return { resourceType: 'ValueSet', url, compose: { include: [{ system: found[1], ...filter }] } }
}

export function valueSetAt(db: DatabaseSync, given: string | JsonObject): JsonObject {
  if (typeof given !== 'string') return given
  const url = bare(given)
  const row = db.prepare(`select body from resources where kind = 'ValueSet' and url = ?`).get(url) as { body: string } | undefined
  if (row) return JSON.parse(row.body) as JsonObject
  const system = db.prepare(`select body from resources where kind = 'CodeSystem' and json_extract(body, '$.valueSet') = ?`).get(url) as
    | { body: string }
    | undefined
  if (system) return { resourceType: 'ValueSet', url, compose: { include: [{ system: field(JSON.parse(system.body), 'url') }] } }
  const made = implicit(url)
  if (!made) throw missing(url)
  return made
}

export type SystemRow = {
  readonly id: number
  readonly url: string
  readonly name: string
  readonly version: string
  readonly complete: number
  readonly hierarchy: number
}

export const systemAt = (db: DatabaseSync, url: string): SystemRow | undefined =>
  db.prepare('select * from systems where url = ?').get(bare(url)) as SystemRow | undefined

export function numberOf(db: DatabaseSync, system: number, code: string): number | undefined {
  return (db.prepare('select n from concepts where system = ? and code = ?').get(system, code) as { n: number } | undefined)?.n
}

const codesOf = (include: unknown): string[] => list(field(include, 'concept')).flatMap(c => string(field(c, 'code')) ?? [])
type Filter = { readonly property: string; readonly op: string; readonly value: string }
const filtersOf = (include: unknown): Filter[] =>
  list(field(include, 'filter')).map(f => ({
    property: string(field(f, 'property')) ?? '',
    op: string(field(f, 'op')) ?? '',
    value: string(field(f, 'value')) ?? '',
  }))
const setsOf = (include: unknown): string[] => list(field(include, 'valueSet')).flatMap(v => string(v) ?? [])
const partsOf = (vs: JsonObject, name: 'include' | 'exclude'): readonly unknown[] => list(field(vs.compose, name))

/** `concept` and `code` mean the concept itself; SNOMED CT's filters by expression have three names. */
const ITSELF = new Set(['concept', 'code'])
const EXPRESSION = new Set(['constraint', 'expression', 'expressions', 'ecl'])

function filterQuery(db: DatabaseSync, system: SystemRow, { property, op, value }: Filter): Query {
  const find = (code: string): number | undefined => numberOf(db, system.id, code)
  const all = query('select n from concepts where system = ?', system.id)
  if (EXPRESSION.has(property) && op === '=') return eclQuery(parseEcl(value), system.id, find)
  if (ITSELF.has(property) && ['is-a', 'descendent-of', 'is-not-a', 'generalizes', '='].includes(op)) {
    const n = find(value)
    if (n === undefined) throw missing(`The code ${value} of ${system.url}`)
    const self = query('select ? as n', n)
    if (op === '=') return self
    if (op === 'generalizes') return combined('union', self, ancestors(n))
    const below = op === 'descendent-of' ? descendants(n) : combined('union', self, descendants(n))
    return op === 'is-not-a' ? combined('except', all, below) : below
  }
  if (ITSELF.has(property) && (op === 'in' || op === 'not-in')) {
    const within = query(
      'select n from concepts where system = ? and code in (select trim(value) from json_each(?))',
      system.id,
      JSON.stringify(value.split(',')),
    )
    return op === 'in' ? within : combined('except', all, within)
  }
  if (property === 'parent' && op === '=') return query('select child as n from edges where parent = ?', find(value) ?? -1)
  if (op === '=' || op === 'in') {
    const values = op === 'in' ? value.split(',').map(v => v.trim()) : [value]
    return query(
      `select p.concept as n from properties p join concepts c on c.n = p.concept where c.system = ? and p.key = ? and p.value in (select value from json_each(?))`,
      system.id,
      property,
      JSON.stringify(values),
    )
  }
  throw unsupported(`the filter ${op}`)
}

function filterHolds(db: DatabaseSync, system: SystemRow, filter: Filter, n: number, code: string): boolean {
  const { property, op, value } = filter
  const find = (c: string): number | undefined => numberOf(db, system.id, c)
  if (EXPRESSION.has(property) && op === '=') return eclHolds(db, parseEcl(value), n, find)
  if (!ITSELF.has(property) || !['is-a', 'descendent-of', 'is-not-a'].includes(op)) {
    const { sql, args } = filterQuery(db, system, filter)
    return db.prepare(`select 1 from (${sql}) where n = ?`).get(...args, n) !== undefined
  }
  const top = find(value)
  if (top === undefined) throw missing(`The code ${value} of ${system.url}`)
  const within = (op !== 'descendent-of' && code === value) || isBelow(db, n, top)
  return op === 'is-not-a' ? !within : within
}

function systemOf(db: DatabaseSync, include: unknown): SystemRow | null {
  const url = string(field(include, 'system'))
  if (!url) return null
  const found = systemAt(db, url)
  if (!found) throw grammarOf(url) ? unsupported('a code system that is a grammar') : missing(url)
  return found
}

function includeQuery(db: DatabaseSync, include: unknown, depth: number): Query {
  const sets = setsOf(include).map(url => valueSetQuery(db, valueSetAt(db, url), depth + 1))
  const system = systemOf(db, include)
  const own: Query[] = []
  if (system) {
    const codes = codesOf(include)
    if (codes.length) {
      const known = query(
        'select n from concepts where system = ? and code in (select value from json_each(?))',
        system.id,
        JSON.stringify(codes),
      )
      const there = Number(db.prepare(`select count(*) as c from (${known.sql})`).get(...known.args)!.c)
      if (there < new Set(codes).size) throw missing(`A part of the codes of ${system.url}`)
      own.push(known)
    } else {
      const filters = filtersOf(include)
      if (!filters.length && grammarOf(system.url)) throw unsupported('a code system that is a grammar')
      if (!filters.length && !system.complete) throw missing(`The whole of ${system.url}`)
      own.push(
        ...(filters.length ? filters.map(f => filterQuery(db, system, f)) : [query('select n from concepts where system = ?', system.id)]),
      )
    }
  }
  const all = [...own, ...sets]
  ensure(all.length, 'BAD_INPUT', 'A value set includes nothing that can be named.')
  return all.reduce((a, b) => combined('intersect', a, b))
}

export function valueSetQuery(db: DatabaseSync, vs: JsonObject, depth = 0): Query {
  ensure(depth <= MAX_NESTING, 'BAD_INPUT', 'Value sets include each other too deeply.')
  const includes = partsOf(vs, 'include').map(i => includeQuery(db, i, depth))
  ensure(includes.length, 'NOT_SUPPORTED', 'The value set has no definition, only a name.')
  const whole = includes.reduce((a, b) => combined('union', a, b))
  return partsOf(vs, 'exclude').reduce<Query>((a, e) => combined('except', a, includeQuery(db, e, depth)), whole)
}

/** Codes and names that a definition spells out in full; null when it needs the code system. */
export function spelledOut(vs: JsonObject): { system: string; code: string; display: string | undefined }[] | null {
  const includes = partsOf(vs, 'include')
  if (!includes.length) {
    const contains = list(field(vs.expansion, 'contains'))
    return contains.length ? contains.flatMap(flat) : null
  }
  if (partsOf(vs, 'exclude').length) return null
  if (!includes.every(i => string(field(i, 'system')) && codesOf(i).length && !setsOf(i).length)) return null
  return includes.flatMap(i =>
    list(field(i, 'concept')).flatMap(c => {
      const code = string(field(c, 'code'))
      return code ? [{ system: bare(String(field(i, 'system'))), code, display: string(field(c, 'display')) }] : []
    }),
  )
}

function flat(c: unknown): { system: string; code: string; display: string | undefined }[] {
  const [system, code] = [string(field(c, 'system')), string(field(c, 'code'))]
  const below = list(field(c, 'contains')).flatMap(flat)
  return system && code ? [{ system, code, display: string(field(c, 'display')) }, ...below] : below
}

/** True, false, or null when only a part of the code system is here and the code is not in it. */
export function holds(db: DatabaseSync, vs: JsonObject, system: string, code: string, depth = 0): boolean | null {
  ensure(depth <= MAX_NESTING, 'BAD_INPUT', 'Value sets include each other too deeply.')
  const listed = spelledOut(vs)
  if (listed) return listed.some(c => c.system === system && c.code === code)
  const includes = partsOf(vs, 'include')
  ensure(includes.length, 'NOT_SUPPORTED', 'The value set has no definition, only a name.')
  const told = includes.map(i => includeHolds(db, i, system, code, depth))
  const within = told.includes(true) ? true : told.includes(null) ? null : false
  if (!within) return within
  return !partsOf(vs, 'exclude').some(e => includeHolds(db, e, system, code, depth))
}

function includeHolds(db: DatabaseSync, include: unknown, system: string, code: string, depth: number): boolean | null {
  const url = string(field(include, 'system'))
  if (url && bare(url) !== system) return false
  const sets = setsOf(include).map(s => holds(db, valueSetAt(db, s), system, code, depth + 1))
  if (sets.includes(false)) return false
  const unsure = sets.includes(null) ? null : true
  if (!url) return unsure
  const codes = codesOf(include)
  if (codes.length) return codes.includes(code) && unsure
  const filters = filtersOf(include)
  const grammar = grammarOf(system)
  if (grammar && !filters.length) return grammar(code) && unsure
  const here = systemAt(db, system)
  if (!here) throw missing(system)
  const n = numberOf(db, here.id, code)
  if (n === undefined) return here.complete ? false : null
  return filters.every(f => filterHolds(db, here, f, n, code)) && unsure
}

export const isValueSet = (x: unknown): x is JsonObject => isObject(x) && x.resourceType === 'ValueSet'
