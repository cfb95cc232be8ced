import type { DatabaseSync } from 'node:sqlite'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { field, type JsonObject, list, resourceTypeOf, string } from '@keepwell/sdk/health/fhir/read'
import { IS_A, type Rf2Row } from '@keepwell/sdk/health/terminology/rf2'
import type { ReleaseConcept, ReleaseSystem } from '@keepwell/sdk/health/terminology/systems'

export type Loaded = { readonly concepts: number; readonly edges: number }
type Shipped = { readonly shipped?: boolean }

/** All of a load or nothing: readers see the old content until it is whole. */
export async function inOneStep<T>(db: DatabaseSync, work: () => T | Promise<T>): Promise<T> {
  db.exec('BEGIN IMMEDIATE')
  try {
    const out = await work()
    db.exec('COMMIT')
    return out
  } catch (e) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw e
  }
}

function dropConcepts(db: DatabaseSync, system: number): void {
  const of = 'select n from concepts where system = ?'
  db.prepare(`delete from names where rowid in (${of})`).run(system)
  for (const [table, column] of [
    ['designations', 'concept'],
    ['edges', 'child'],
    ['relations', 'source'],
    ['members', 'concept'],
    ['properties', 'concept'],
  ])
    db.prepare(`delete from ${table} where ${column} in (${of})`).run(system)
  db.prepare('delete from concepts where system = ?').run(system)
}

/** The system's row, emptied of what an earlier load put there. */
function begun(db: DatabaseSync, s: ReleaseSystem & Shipped): number {
  const found = db.prepare('select id from systems where url = ?').get(s.url) as { id: number } | undefined
  const values = [s.version, s.name, s.copyright ?? null, Number(s.complete), Number(s.hierarchy), Number(s.shipped ?? false)] as const
  if (!found) {
    const made = db.prepare(
      'insert into systems (version, name, copyright, complete, hierarchy, shipped, url) values (?, ?, ?, ?, ?, ?, ?) returning id',
    )
    return Number(made.get(...values, s.url)!.id)
  }
  dropConcepts(db, found.id)
  db.prepare('update systems set version = ?, name = ?, copyright = ?, complete = ?, hierarchy = ?, shipped = ? where id = ?').run(
    ...values,
    found.id,
  )
  return found.id
}

/** Writes concepts by code; edges, members and names are joined when all codes are known. */
function sink(db: DatabaseSync, system: number) {
  let next = Number(db.prepare('select coalesce(max(n), 0) + 1 as n from concepts').get()!.n)
  const first = next
  const numbers = new Map<string, number>()
  const insert = db.prepare('insert into concepts (n, system, code, display, inactive, abstract) values (?, ?, ?, ?, ?, ?)')
  const designate = db.prepare('insert into designations (concept, value, language, use) values (?, ?, ?, ?)')
  const property = db.prepare('insert into properties (concept, key, value) values (?, ?, ?)')
  const edge = db.prepare('insert or ignore into edges (child, parent) values (?, ?)')
  const waiting: [child: number, parent: string][] = []
  let edges = 0
  return {
    numbers,
    concept(c: ReleaseConcept): void {
      if (numbers.has(c.code)) return
      const n = next++
      numbers.set(c.code, n)
      insert.run(n, system, c.code, c.display, Number(c.inactive ?? false), Number(c.abstract ?? false))
      for (const value of c.synonyms ?? []) designate.run(n, value, null, null)
      for (const [key, value] of c.properties ?? []) property.run(n, key, value)
      for (const parent of c.parents ?? []) waiting.push([n, parent])
    },
    edge(child: string, parent: string): void {
      const [a, b] = [numbers.get(child), numbers.get(parent)]
      if (a !== undefined && b !== undefined) edges += Number(edge.run(a, b).changes)
    },
    designate(code: string, value: string, language: string, use: string | null): void {
      const n = numbers.get(code)
      if (n !== undefined) designate.run(n, value, language, use)
    },
    done(): Loaded {
      for (const [child, parent] of waiting) {
        const n = numbers.get(parent)
        if (n !== undefined && n !== child) edges += Number(edge.run(child, n).changes)
      }
      db.prepare(
        `insert into names (rowid, value) select n, display || ' ' || coalesce((select group_concat(value, ' ') from designations where concept = n), '')
         from concepts where n >= ?`,
      ).run(first)
      return { concepts: next - first, edges }
    },
  }
}

type Concepts = Iterable<ReleaseConcept> | AsyncIterable<ReleaseConcept>

/** What is known of a system that comes in parts stays known when another part of it comes. */
const namesOf = (db: DatabaseSync, url: string): { code: string; display: string }[] =>
  db.prepare('select c.code, c.display from concepts c join systems s on s.id = c.system where s.url = ?').all(url) as {
    code: string
    display: string
  }[]

/** Replaces the system by what is given. Inside {@link inOneStep}. */
export async function loadSystem(db: DatabaseSync, system: ReleaseSystem & Shipped, concepts: Concepts): Promise<Loaded> {
  const before = system.complete ? [] : namesOf(db, system.url)
  const into = sink(db, begun(db, system))
  for await (const c of concepts) into.concept(c)
  for (const { code, display } of before) into.concept({ code, display })
  const done = into.done()
  if (!done.concepts) throw new KeepwellError('UNREADABLE', 'The file holds no concept.')
  return done
}

/** Codes that are known by name only, of a system that is not here as a whole; what is there already stays. */
export function loadFragment(db: DatabaseSync, url: string, codes: ReadonlyMap<string, string>): void {
  const found = db.prepare('select id, complete from systems where url = ?').get(url) as { id: number; complete: number } | undefined
  if (found?.complete) return
  const id = found?.id ?? begun(db, { url, version: '', name: url, complete: false, hierarchy: false, shipped: true })
  const known = db.prepare('select n from concepts where system = ? and code = ?')
  const into = sink(db, id)
  const rename = db.prepare('update concepts set display = ? where system = ? and code = ? and display = code')
  for (const [code, display] of codes) {
    if (!known.get(id, code)) into.concept({ code, display })
    else if (display !== code) rename.run(display, id, code)
  }
  into.done()
}

/** SNOMED CT from rows of its release files: concepts first, then the rest in any order, the preferred names known. */
export async function loadRf2(
  db: DatabaseSync,
  system: ReleaseSystem,
  rows: { readonly concepts: AsyncIterable<Rf2Row>; readonly rest: AsyncIterable<Rf2Row>; readonly preferred: ReadonlySet<string> },
): Promise<Loaded> {
  const id = begun(db, system)
  const into = sink(db, id)
  for await (const row of rows.concepts)
    if (row.kind === 'concept') into.concept({ code: row.code, display: row.code, inactive: !row.active })
  const name = db.prepare('update concepts set display = ? where n = ?')
  const relation = db.prepare('insert or ignore into relations (source, type, target) values (?, ?, ?)')
  const member = db.prepare('insert or ignore into members (refset, concept) values (?, ?)')
  const named = new Map<string, number>()
  for await (const row of rows.rest) {
    if (row.kind === 'description') {
      // Preferred synonym before any synonym before the full name.
      const rank = row.full ? 1 : rows.preferred.has(row.id) ? 3 : 2
      const n = into.numbers.get(row.code)
      if (n === undefined) continue
      into.designate(row.code, row.term, row.language, row.full ? 'full' : null)
      if ((named.get(row.code) ?? 0) < rank) {
        named.set(row.code, rank)
        name.run(row.term, n)
      }
    } else if (row.kind === 'relationship') {
      if (row.type === IS_A) into.edge(row.source, row.target)
      const [s, t, o] = [row.source, row.type, row.target].map(code => into.numbers.get(code))
      if (row.type !== IS_A && s !== undefined && t !== undefined && o !== undefined) relation.run(s, t, o)
    } else if (row.kind === 'member') {
      const [refset, concept] = [into.numbers.get(row.refset), into.numbers.get(row.code)]
      if (refset !== undefined && concept !== undefined) member.run(refset, concept)
    }
  }
  const edges = Number(db.prepare('select count(*) as c from edges where child in (select n from concepts where system = ?)').get(id)!.c)
  const done = into.done()
  if (!done.concepts) throw new KeepwellError('UNREADABLE', 'The release holds no concept.')
  return { concepts: done.concepts, edges }
}

/** A ValueSet or ConceptMap, replacing the one of the same address. Shipped ones do not replace an operator's. */
export function loadResource(db: DatabaseSync, resource: JsonObject, { shipped = false }: Shipped = {}): boolean {
  const url = string(resource.url)
  const kind = resourceTypeOf(resource)
  if (!url || !kind) return false
  const there = db.prepare('select shipped from resources where kind = ? and url = ?').get(kind, url) as { shipped: number } | undefined
  if (shipped && there && !there.shipped) return false
  const { text: _, ...body } = resource
  db.prepare('insert or replace into resources (url, kind, shipped, body) values (?, ?, ?, ?)').run(
    url,
    kind,
    Number(shipped),
    JSON.stringify(body),
  )
  if (kind === 'ConceptMap') loadMappings(db, url, resource)
  return true
}

function loadMappings(db: DatabaseSync, url: string, map: JsonObject): void {
  db.prepare('delete from mappings where map = ?').run(url)
  const insert = db.prepare(
    'insert into mappings (map, source_system, source, target_system, target, display, equivalence) values (?, ?, ?, ?, ?, ?, ?)',
  )
  for (const group of list(map.group))
    for (const element of list(field(group, 'element')))
      for (const target of list(field(element, 'target'))) {
        const [source, code] = [string(field(element, 'code')), string(field(target, 'code'))]
        const systems = [string(field(group, 'source')) ?? '', string(field(group, 'target')) ?? ''] as const
        if (source && code)
          insert.run(
            url,
            systems[0],
            source,
            systems[1],
            code,
            string(field(target, 'display')) ?? null,
            string(field(target, 'equivalence')) ?? 'relatedto',
          )
      }
}
