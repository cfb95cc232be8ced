/** Resources in memory, with every version and every index (https://hl7.org/fhir/R4/http.html). Nothing here reads a clock or a file. */
import { ensure } from '#base/error'
import { field, isObject, string } from '#health/fhir/read'
import { names } from './names.ts'
import type { Registry } from './parameters.ts'
import type { Rows } from './plan.ts'
import { r4 } from './r4.ts'
import { type Table, table } from './table.ts'
import type { FhirResource, Store, Version } from './types.ts'
import { versions } from './versions.ts'

/** A search that has more pages: its question, and what was found in the order of the tables. */
export type Snapshot = {
  readonly question: string
  /** Once asked for, it stays what it is. */
  readonly found: () => readonly Version[]
  /** The same while nothing changes in the store, and made without looking at a version. */
  readonly rows?: readonly Rows[]
  readonly [key: string]: unknown
}

/** What the search sees of a store, and REST does not. */
export type Inner = Store & {
  readonly registry: Registry
  readonly bases: readonly string[]
  readonly table: (type: string) => Table | undefined
  /** The table of a type of R4, made when there is none yet. */
  readonly tableOf: (type: string) => Table
  readonly tables: () => Table[]
  /** Every version there is, oldest first. */
  readonly log: () => readonly Version[]
  readonly versionsOf: (type: string, id: string) => readonly Version[]
  readonly namesOf: (type: string, id: string) => readonly string[]
  readonly remember: (snapshot: Snapshot) => string
  readonly recall: (token: string) => Snapshot | null
}

/** Versions that all remembered snapshots may hold together; those that were not found again go first. */
const MAX_REMEMBERED = 2_000_000

export type StoreOptions = {
  /** Addresses under which this store is served: absolute references below them lead into it. */
  readonly bases?: readonly string[]
}

function stamped(resource: FhirResource, method: Version['method']): Version & { resource: FhirResource } {
  const type = resource.resourceType
  ensure(r4.isType(type), 'BAD_INPUT', 'resourceType: expected a resource type of FHIR R4.')
  const meta = field(resource, 'meta')
  const [id, versionId, lastUpdated] = [string(resource.id), string(field(meta, 'versionId')), string(field(meta, 'lastUpdated'))]
  ensure(id !== undefined, 'BAD_INPUT', 'id: expected text.')
  ensure(versionId !== undefined && lastUpdated !== undefined, 'BAD_INPUT', 'meta: expected versionId and lastUpdated.')
  return { type, id, versionId, lastUpdated, method, resource }
}

const same = <T>(a: readonly T[], b: readonly T[]): boolean => a === b || (a.length === b.length && a.every((v, i) => v === b[i]))

const sameRows = (a: readonly Rows[] = [], b: readonly Rows[] = []): boolean =>
  a.length > 0 && a.length === b.length && a.every((rows, i) => same(rows, b[i]!))

/**
 * The same question that finds the same again has the snapshot it had: a thousand a second that nobody turns a page of would each grow old in
 * memory, and what is old is dear to collect.
 */
function snapshots(revision: () => number): Pick<Inner, 'remember' | 'recall'> {
  type Kept = { readonly snapshot: Snapshot; readonly revision: number; again: boolean }
  const kept = new Map<string, Kept>()
  const latest = new Map<string, string>()
  let [rows, made] = [0, 0]
  function drop(token: string, { question, found }: Snapshot): void {
    kept.delete(token)
    if (latest.get(question) === token) latest.delete(question)
    rows -= found().length
  }
  // What was found again since it was last looked at here gets a second chance. That its place in the map changes only now, and not at each
  // question, saves V8 from building the map anew every few searches, in the part of memory that is dear to clean.
  function makeRoom(): void {
    for (const [token, known] of kept) {
      if (rows <= MAX_REMEMBERED) return
      if (!known.again) drop(token, known.snapshot)
      else {
        known.again = false
        kept.delete(token)
        kept.set(token, known)
      }
    }
  }
  return {
    remember: snapshot => {
      const known = latest.get(snapshot.question)
      const before = known === undefined ? undefined : kept.get(known)
      const now = revision()
      const like = before?.snapshot
      if (before && like && ((before.revision === now && sameRows(like.rows, snapshot.rows)) || same(like.found(), snapshot.found()))) {
        before.again = true
        return known!
      }
      rows += snapshot.found().length
      makeRoom()
      const token = (++made).toString(36)
      kept.set(token, { snapshot, revision: now, again: false })
      latest.set(snapshot.question, token)
      return token
    },
    recall: token => kept.get(token)?.snapshot ?? null,
  }
}

/** An empty store; see `Store` for what it promises. */
export function openStore({ bases = [] }: StoreOptions = {}): Inner {
  const tables = new Map<string, Table>()
  const all = versions()
  const known = names(bases)
  let revision = 0

  const read = (type: string, id: string): Version | null => all.of(type, id).at(-1) ?? null
  const tableOf = (type: string): Table => {
    const made = tables.get(type) ?? table(type, r4.of(type), bases)
    tables.set(type, made)
    return made
  }
  return {
    registry: r4,
    bases,
    table: type => tables.get(type),
    tableOf,
    tables: () => [...tables.values()],
    log: all.log,
    versionsOf: all.of,
    namesOf: known.of,
    ...snapshots(() => revision),
    put: (resource, { fullUrl, method } = {}) => {
      ensure(isObject(resource), 'BAD_INPUT', 'resource: expected an object.')
      const before = read(resource.resourceType, String(resource.id)) !== null
      const version = stamped(resource, method ?? (before ? 'PUT' : 'POST'))
      revision++
      if (all.write(version)) tableOf(version.type).add(version)
      known.note(version.type, version.id, fullUrl)
      return version
    },
    delete: (type, id, { versionId, lastUpdated }) => {
      if (!read(type, id)?.resource) return null
      revision++
      const version: Version = { type, id, versionId, lastUpdated, method: 'DELETE', resource: null }
      if (all.write(version)) tables.get(type)?.drop(id)
      return version
    },
    remove: (type, id) => {
      if (!all.forget(type, id)) return false
      revision++
      tables.get(type)?.drop(id)
      known.forget(type, id)
      return true
    },
    read,
    vread: (type, id, versionId) => all.of(type, id).find(v => v.versionId === versionId) ?? null,
    resolve: reference => {
      const owner = known.owner(reference)
      return owner && read(...owner)
    },
    count: type => (type === undefined ? [...tables.values()].reduce((n, t) => n + t.count(), 0) : (tables.get(type)?.count() ?? 0)),
    types: () =>
      [...tables.values()]
        .filter(t => t.count() > 0)
        .map(t => t.type)
        .toSorted(),
  }
}
