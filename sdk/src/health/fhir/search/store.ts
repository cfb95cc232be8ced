/** Resources in memory, with every version and every index (https://hl7.org/fhir/R4/http.html). Nothing here reads a clock or a file. */
import { ensure } from '#base/error'
import { field, isObject, string } from '#health/fhir/read'
import { dateRange } from './dates.ts'
import { table as R4 } from './parameters.generated.ts'
import { type Registry, registry } from './parameters.ts'
import { targetOf } from './reference.ts'
import { type Table, table } from './table.ts'
import type { FhirResource, Store, Version } from './types.ts'

/** A page of a search that has more: what was found, and where the page ends. */
export type Snapshot = { readonly rows: number; readonly [key: string]: unknown }

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

/** Versions that all remembered snapshots may hold together; the oldest snapshots go first. */
const MAX_REMEMBERED = 2_000_000

/** Forgotten versions stay in the log until there are so many. */
const SWEEP = 1000

export type StoreOptions = {
  /** Addresses under which this store is served: absolute references below them lead into it. */
  readonly bases?: readonly string[]
}

const r4 = registry(R4)

function stamped(resource: FhirResource, method: Version['method']): Version & { resource: FhirResource } {
  const type = resource.resourceType
  ensure(r4.isType(type), 'BAD_INPUT', 'resourceType: expected a resource type of FHIR R4.')
  const meta = field(resource, 'meta')
  const [id, versionId, lastUpdated] = [string(resource.id), string(field(meta, 'versionId')), string(field(meta, 'lastUpdated'))]
  ensure(id !== undefined, 'BAD_INPUT', 'id: expected text.')
  ensure(versionId !== undefined && lastUpdated !== undefined, 'BAD_INPUT', 'meta: expected versionId and lastUpdated.')
  return { type, id, versionId, lastUpdated, method, resource }
}

/** Unix milliseconds of a version's `lastUpdated`. */
export const madeAt = ({ lastUpdated }: Version): number => dateRange(lastUpdated)?.[0] ?? 0

function snapshots(): Pick<Inner, 'remember' | 'recall'> {
  const kept = new Map<string, Snapshot>()
  let [rows, made] = [0, 0]
  return {
    remember: snapshot => {
      const token = (++made).toString(36)
      kept.set(token, snapshot)
      rows += snapshot.rows
      for (const [oldest, { rows: n }] of kept) {
        if (rows <= MAX_REMEMBERED || oldest === token) break
        kept.delete(oldest)
        rows -= n
      }
      return token
    },
    recall: token => kept.get(token) ?? null,
  }
}

function aliases(bases: readonly string[]) {
  const byUrl = new Map<string, readonly [type: string, id: string]>()
  const byTarget = new Map<string, string[]>()
  return {
    note: (url: string, type: string, id: string): void => {
      if (byUrl.has(url)) return
      byUrl.set(url, [type, id])
      const key = `${type}/${id}`
      byTarget.set(key, [...(byTarget.get(key) ?? []), targetOf(url, bases)?.key ?? url])
    },
    forget: (type: string, id: string): void => {
      byTarget.delete(`${type}/${id}`)
      for (const [url, [t, i]] of byUrl) if (t === type && i === id) byUrl.delete(url)
    },
    target: (url: string) => byUrl.get(url),
    namesOf: (type: string, id: string): readonly string[] => [`${type}/${id}`, `urn:uuid:${id}`, ...(byTarget.get(`${type}/${id}`) ?? [])],
  }
}

/** An empty store; see `Store` for what it promises. */
export function openStore({ bases = [] }: StoreOptions = {}): Inner {
  const tables = new Map<string, Table>()
  const histories = new Map<string, Version[]>()
  /** Types by logical id, for URNs. */
  const byId = new Map<string, Set<string>>()
  const others = aliases(bases)
  let log: Version[] = []
  const forgotten = new Set<Version>()

  /** Files a version by its time; false when a later one is there already. */
  const write = (version: Version): boolean => {
    const key = `${version.type}/${version.id}`
    log.push(version)
    const known = histories.get(key)
    if (!known) {
      histories.set(key, [version])
      return true
    }
    let at = known.length
    while (at > 0 && madeAt(known[at - 1]!) > madeAt(version)) at--
    known.splice(at, 0, version)
    return at === known.length - 1
  }
  const settle = (): void => {
    if (!forgotten.size) return
    log = log.filter(v => !forgotten.has(v))
    forgotten.clear()
  }
  const read = (type: string, id: string): Version | null => histories.get(`${type}/${id}`)?.at(-1) ?? null
  const tableOf = (type: string): Table => {
    let known = tables.get(type)
    if (!known) {
      known = table(type, r4.of(type), bases)
      tables.set(type, known)
    }
    return known
  }
  const byUrn = (id: string): Version | null => {
    const [type, ...more] = byId.get(id) ?? []
    return type !== undefined && !more.length ? read(type, id) : null
  }
  const remove: Store['remove'] = (type, id) => {
    const key = `${type}/${id}`
    const gone = histories.get(key)
    if (!gone) return false
    histories.delete(key)
    tables.get(type)?.drop(id)
    others.forget(type, id)
    byId.get(id)?.delete(type)
    for (const version of gone) forgotten.add(version)
    if (forgotten.size > SWEEP && forgotten.size > log.length / 2) settle()
    return true
  }
  return {
    registry: r4,
    bases,
    table: type => tables.get(type),
    tableOf,
    tables: () => [...tables.values()],
    log: () => {
      settle()
      return log
    },
    versionsOf: (type, id) => histories.get(`${type}/${id}`) ?? [],
    namesOf: others.namesOf,
    ...snapshots(),
    put: (resource, { fullUrl, method } = {}) => {
      ensure(isObject(resource), 'BAD_INPUT', 'resource: expected an object.')
      const before = histories.has(`${resource.resourceType}/${String(resource.id)}`)
      const version = stamped(resource, method ?? (before ? 'PUT' : 'POST'))
      if (write(version)) tableOf(version.type).add(version)
      const types = byId.get(version.id)
      if (types) types.add(version.type)
      else byId.set(version.id, new Set([version.type]))
      if (fullUrl) others.note(fullUrl, version.type, version.id)
      return version
    },
    delete: (type, id, { versionId, lastUpdated }) => {
      if (!read(type, id)?.resource) return null
      const version: Version = { type, id, versionId, lastUpdated, method: 'DELETE', resource: null }
      if (write(version)) tables.get(type)?.drop(id)
      return version
    },
    remove,
    read,
    vread: (type, id, versionId) => histories.get(`${type}/${id}`)?.find(v => v.versionId === versionId) ?? null,
    resolve: reference => {
      const alias = others.target(reference)
      if (alias) return read(...alias)
      if (reference.startsWith('urn:uuid:')) return byUrn(reference.slice('urn:uuid:'.length))
      const target = targetOf(reference, bases)
      return target?.type && target.key === `${target.type}/${target.id}` ? read(target.type, target.id!) : null
    },
    count: type => (type === undefined ? [...tables.values()].reduce((n, t) => n + t.count(), 0) : (tables.get(type)?.count() ?? 0)),
    types: () =>
      [...tables.values()]
        .filter(t => t.count() > 0)
        .map(t => t.type)
        .toSorted(),
  }
}
