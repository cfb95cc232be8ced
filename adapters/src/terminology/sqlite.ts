import type { DatabaseSync } from 'node:sqlite'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { string } from '@keepwell/sdk/health/fhir/read'
import type {
  Designation,
  Expand,
  ExpandedConcept,
  Expansion,
  Subsumption,
  TermConcept,
  Translate,
  Translation,
  ValidateCode,
  Validation,
} from '@keepwell/sdk/health/terminology/concepts'
import { grammarOf } from '@keepwell/sdk/health/terminology/grammars'
import type { Rf2Row } from '@keepwell/sdk/health/terminology/rf2'
import type { ReleaseConcept, ReleaseSystem } from '@keepwell/sdk/health/terminology/systems'
import type { Terminology } from '@keepwell/sdk/ports/terminology'
import { guarded, openSqlite } from '#base/sqlite'
import { isBelow, type Query } from './hierarchy.ts'
import { inOneStep, type Loaded, loadFragment, loadResource, loadRf2, loadSystem } from './load.ts'
import { SCHEMA } from './schema.ts'
import { holds, numberOf, type SystemRow, spelledOut, systemAt, valueSetAt, valueSetQuery } from './value-sets.ts'

type Row = { readonly n: number; readonly code: string; readonly display: string; readonly inactive: number; readonly abstract: number }
export type LoadedSystem = {
  readonly url: string
  readonly name: string
  readonly version: string
  readonly complete: boolean
  readonly shipped: boolean
  readonly concepts: number
}

/** A terminology in one file that the operator can load into. Each load is one step: whoever reads sees the old content or the new. */
export type TerminologyFile = Terminology & {
  systems(): LoadedSystem[]
  system(url: string): LoadedSystem | null
  loadSystem(
    system: ReleaseSystem & { shipped?: boolean },
    concepts: Iterable<ReleaseConcept> | AsyncIterable<ReleaseConcept>,
  ): Promise<Loaded>
  loadRf2(
    system: ReleaseSystem,
    rows: { concepts: AsyncIterable<Rf2Row>; rest: AsyncIterable<Rf2Row>; preferred: ReadonlySet<string> },
  ): Promise<Loaded>
  loadResources(resources: Iterable<JsonObject>, shipped?: boolean): Promise<number>
  /** Names of codes whose system is not here. */
  loadFragments(codes: ReadonlyMap<string, ReadonlyMap<string, string>>): Promise<void>
  mark(name: string, value?: string): string | null
  /** Several loads as one step. */
  together<T>(work: () => Promise<T>): Promise<T>
}

const MAX_COUNT = 10_000

/** Opens, or makes, the file. */
export function openTerminology({ file }: { file: string }): TerminologyFile {
  const db = openSqlite({ file, ...SCHEMA })
  const read = <T>(work: () => T): Promise<T> =>
    new Promise(resolve => {
      ensure(db.isOpen, 'STORAGE_FAILED', 'The terminology is closed.')
      resolve(guarded('reading the terminology', work))
    })
  let inside = false
  const write = async <T>(work: () => T | Promise<T>): Promise<T> => (inside ? work() : inOneStep(db, work))
  return {
    lookup: ({ system, code }) => read(() => lookup(db, system, code)),
    validateCode: input => read(() => validate(db, input)),
    expand: input => read(() => expand(db, input)),
    translate: input => read(() => translate(db, input)),
    subsumes: (system, a, b) => read(() => subsumes(db, system, a, b)),
    systems: () => systems(db),
    system: url => systems(db, url)[0] ?? null,
    loadSystem: (system, concepts) => write(() => loadSystem(db, system, concepts)),
    loadRf2: (system, rows) => write(() => loadRf2(db, system, rows)),
    loadResources: (resources, shipped = false) => write(() => [...resources].filter(r => loadResource(db, r, { shipped })).length),
    loadFragments: codes =>
      write(() => {
        for (const [system, names] of codes) loadFragment(db, system, names)
      }),
    together: work =>
      inOneStep(db, async () => {
        inside = true
        try {
          return await work()
        } finally {
          inside = false
        }
      }),
    mark(name, value) {
      if (value !== undefined) db.prepare('insert or replace into marks (name, value) values (?, ?)').run(name, value)
      return (db.prepare('select value from marks where name = ?').get(name)?.value as string | undefined) ?? null
    },
    async close() {
      if (db.isOpen) db.close()
    },
  }
}

function systems(db: DatabaseSync, url?: string): LoadedSystem[] {
  const rows = db
    .prepare(
      `select s.url, s.name, s.version, s.complete, s.shipped, (select count(*) from concepts c where c.system = s.id) as concepts from systems s
       where ? is null or s.url = ? order by s.url`,
    )
    .all(url ?? null, url ?? null) as { url: string; name: string; version: string; complete: number; shipped: number; concepts: number }[]
  return rows.map(r => ({ ...r, complete: r.complete === 1, shipped: r.shipped === 1 }))
}

const rowAt = (db: DatabaseSync, system: SystemRow, code: string): Row | undefined =>
  db.prepare('select n, code, display, inactive, abstract from concepts where system = ? and code = ?').get(system.id, code) as
    | Row
    | undefined

function designationsOf(db: DatabaseSync, n: number): Designation[] {
  const rows = db.prepare('select value, language, use from designations where concept = ?').all(n) as {
    value: string
    language: string | null
    use: string | null
  }[]
  return rows.map(r => ({ value: r.value, ...(r.language ? { language: r.language } : {}), ...(r.use ? { use: r.use } : {}) }))
}

const MAX_CHILDREN = 1000

function lookup(db: DatabaseSync, url: string, code: string): TermConcept | null {
  const system = systemAt(db, url)
  const row = system && rowAt(db, system, code)
  if (!system || !row) {
    const grammar = grammarOf(url)
    return grammar?.(code)
      ? { system: url, name: url, code, display: code, designations: [], parents: [], children: [], properties: [] }
      : null
  }
  const codes = (sql: string): string[] => (db.prepare(sql).all(row.n) as { code: string }[]).map(r => r.code)
  const properties = db.prepare('select key, value from properties where concept = ?').all(row.n) as { key: string; value: string }[]
  return {
    system: system.url,
    name: system.name,
    ...(system.version ? { version: system.version } : {}),
    code: row.code,
    display: row.display,
    ...(row.inactive ? { inactive: true } : {}),
    ...(row.abstract ? { abstract: true } : {}),
    designations: designationsOf(db, row.n),
    parents: codes('select c.code from edges e join concepts c on c.n = e.parent where e.child = ? order by c.n'),
    children: codes(`select c.code from edges e join concepts c on c.n = e.child where e.parent = ? order by c.n limit ${MAX_CHILDREN}`),
    properties: properties.map(p => [p.key, p.value] as const),
  }
}

const folded = (s: string): string => s.normalize('NFC').replace(/\s+/g, ' ').trim().toLowerCase()

/** The system of a code that is given without: the only one of the value set that has it. */
function inferred(db: DatabaseSync, vs: JsonObject, code: string): string | null {
  const listed = spelledOut(vs)
  const found = listed
    ? listed.filter(c => c.code === code).map(c => c.system)
    : rowsOf(db, valueSetQuery(db, vs), 'c.code = ?', [code], '', 3, 0).map(r => r.system)
  const all = new Set(found)
  return all.size === 1 ? [...all][0]! : null
}

function validate(db: DatabaseSync, { code, system: given, display, valueSet }: ValidateCode): Validation {
  const vs = valueSet === undefined ? null : valueSetAt(db, valueSet)
  const url = given ?? (vs ? inferred(db, vs, code) : null)
  ensure(url || vs, 'BAD_INPUT', 'A code is judged within a system or a value set.')
  if (!url) return { verdict: 'invalid', message: 'The code is not in the value set.' }
  const system = systemAt(db, url)
  const grammar = grammarOf(url)
  const within = vs ? holds(db, vs, url, code) : null
  if (!system && !grammar && within === null) throw new KeepwellError('NOT_FOUND', `${url} is not loaded here.`)
  const row = system && rowAt(db, system, code)
  const spelled = vs ? spelledOut(vs)?.find(c => c.system === url && c.code === code)?.display : undefined
  const known = row !== undefined || grammar?.(code) === true
  const name = row?.display ?? spelled
  const told = { system: url, ...(name ? { display: name } : {}), ...(row?.inactive ? { inactive: true } : {}) }
  if (within === false) return { verdict: 'invalid', ...told, message: 'The code is not in the value set.' }
  if (!known && within !== true) {
    const part = system && !system.complete && !grammar
    return part
      ? { verdict: 'unknown', ...told, message: `Only a part of ${url} is loaded here, and the code is not in it.` }
      : { verdict: 'invalid', ...told, message: `${url} has no such code.` }
  }
  const names = [name ?? code, ...(spelled ? [spelled] : []), ...(row ? designationsOf(db, row.n).map(d => d.value) : [])]
  if (display !== undefined && name !== undefined && !names.some(n => folded(n) === folded(display)))
    return { verdict: 'invalid', ...told, message: 'The code is right; its name is another one.' }
  return { verdict: 'valid', ...told }
}

type Listed = Row & { readonly system: string }

function rowsOf(
  db: DatabaseSync,
  q: Query,
  where: string,
  args: readonly string[],
  order: string,
  count: number,
  offset: number,
): Listed[] {
  const sql = `select c.n, s.url as system, c.code, c.display, c.inactive, c.abstract from concepts c join systems s on s.id = c.system
    where c.n in (${q.sql}) and ${where} ${order} limit ? offset ?`
  return db.prepare(sql).all(...q.args, ...args, count, offset) as Listed[]
}

/** Each word, or beginning of one, in quotes: nothing in it is an operator. */
const match = (filter: string): string =>
  filter
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean)
    .slice(0, 16)
    .map(word => `"${word}"*`)
    .join(' ')

const concept = (r: Omit<Listed, 'n'>): ExpandedConcept => ({
  system: r.system,
  code: r.code,
  display: r.display,
  ...(r.inactive ? { inactive: true } : {}),
  ...(r.abstract ? { abstract: true } : {}),
})

function expand(db: DatabaseSync, { valueSet, filter, offset = 0, count = 1000, activeOnly }: Expand): Expansion {
  ensure(
    Number.isInteger(offset) && offset >= 0 && Number.isInteger(count) && count >= 0,
    'BAD_INPUT',
    'Offset and count are numbers from 0.',
  )
  ensure(count <= MAX_COUNT, 'TOO_LARGE', `At most ${MAX_COUNT} codes are expanded at once; ask for pages.`)
  const vs = valueSetAt(db, valueSet)
  const listed = spelledOut(vs)
  if (listed) return expandListed(db, listed, { filter, offset, count, activeOnly })
  const q = valueSetQuery(db, vs)
  const words = filter === undefined ? '' : match(filter)
  if (filter !== undefined && !words) return { total: 0, offset, contains: [] }
  const where =
    [...(words ? ['c.n in (select rowid from names where names match ?)'] : []), ...(activeOnly ? ['c.inactive = 0'] : [])].join(' and ') ||
    '1'
  const args = words ? [words] : []
  const total = Number(db.prepare(`select count(*) as c from concepts c where c.n in (${q.sql}) and ${where}`).get(...q.args, ...args)!.c)
  const order = words ? 'order by c.inactive, length(c.display), c.n' : 'order by c.n'
  return { total, offset, contains: rowsOf(db, q, where, args, order, count, offset).map(concept) }
}

type Spelled = NonNullable<ReturnType<typeof spelledOut>>
type Paging = { filter: string | undefined; offset: number; count: number; activeOnly: boolean | undefined }

/** A definition that names every code keeps its own order and its own names, and needs no code system. */
function expandListed(db: DatabaseSync, listed: Spelled, { filter, offset, count, activeOnly }: Paging): Expansion {
  const ids = new Map<string, SystemRow | undefined>()
  const systemOf = (url: string): SystemRow | undefined => (ids.has(url) ? ids.get(url) : ids.set(url, systemAt(db, url)).get(url))
  const all = listed.map(({ system, code, display }) => {
    const here = systemOf(system)
    const row = here && rowAt(db, here, code)
    return { system, code, display: display ?? row?.display ?? code, inactive: row?.inactive ?? 0, abstract: row?.abstract ?? 0 }
  })
  const words =
    filter === undefined
      ? []
      : folded(filter)
          .split(/[^\p{L}\p{N}]+/u)
          .filter(Boolean)
  const begins = (name: string, word: string): boolean => name.split(/[^\p{L}\p{N}]+/u).some(w => w.startsWith(word))
  const kept = all.filter(c => !(activeOnly && c.inactive) && words.every(w => begins(folded(c.display), w)))
  if (words.length) kept.sort((a, b) => a.display.length - b.display.length)
  return { total: kept.length, offset, contains: kept.slice(offset, offset + count).map(concept) }
}

function translate(db: DatabaseSync, { system, code, map, targetSystem, reverse }: Translate): Translation[] {
  const known = map === undefined || db.prepare(`select 1 from resources where kind = 'ConceptMap' and url = ?`).get(map)
  if (!known) throw new KeepwellError('NOT_FOUND', 'That concept map is not loaded here.')
  const [from, to] = reverse ? ['target', 'source'] : ['source', 'target']
  const rows = db
    .prepare(
      `select map, ${to}_system as system, ${to} as code, display, equivalence from mappings where ${from}_system = ? and ${from} = ?
       and (? is null or map = ?) and (? is null or ${to}_system = ?)`,
    )
    .all(system, code, map ?? null, map ?? null, targetSystem ?? null, targetSystem ?? null) as Record<string, string | null>[]
  return rows.map(r => {
    const there = systemAt(db, r.system!)
    const display = (reverse ? null : r.display) ?? (there && rowAt(db, there, r.code!)?.display)
    return {
      equivalence: r.equivalence!,
      map: r.map!,
      concept: { system: r.system!, code: r.code!, ...(string(display) ? { display: display! } : {}) },
    }
  })
}

function subsumes(db: DatabaseSync, url: string, a: string, b: string): Subsumption | null {
  const system = systemAt(db, url)
  if (!system) return null
  const [x, y] = [numberOf(db, system.id, a), numberOf(db, system.id, b)]
  if (x === undefined || y === undefined) return null
  if (x === y) return 'equivalent'
  if (!system.hierarchy) return null
  if (isBelow(db, y, x)) return 'subsumes'
  return isBelow(db, x, y) ? 'subsumed-by' : 'not-subsumed'
}
