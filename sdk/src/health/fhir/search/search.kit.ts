// For tests only: small resources put under made-up stamps, and searches written as queries.
import { search } from './search.ts'
import { type Inner, openStore } from './store.ts'
import type { FhirResource, Params, SearchInput, SearchResult } from './types.ts'

export type Loose = { readonly resourceType: string; readonly [key: string]: unknown }

/** 2026-06-01, a Monday. */
export const NOW = Date.UTC(2026, 5, 1)

export function stamp(resource: Loose, version = 1, at = '2026-01-01T00:00:00Z'): FhirResource {
  const meta = (resource.meta ?? {}) as object
  return { ...resource, meta: { lastUpdated: at, ...meta, versionId: String(version) } } as FhirResource
}

export function storeOf(...resources: readonly Loose[]): Inner {
  const store = openStore({ bases: ['https://own.example/fhir'] })
  for (const resource of resources) store.put(stamp(resource))
  return store
}

export const paramsOf = (query: string): Params => [...new URLSearchParams(query)]

/** `ask(store, 'Patient?name=eve')`; `+` must be written `%2B`. */
export function ask(store: Inner, url: string, input: Partial<SearchInput> = {}): SearchResult {
  const [type = '', query = ''] = url.split(/\?(.*)/s)
  return search(store, { type: type || null, params: paramsOf(query), now: NOW, ...input })
}

/** Ids of the matches; the issue codes instead when the search was refused. */
export function ids(store: Inner, url: string, input: Partial<SearchInput> = {}): string[] {
  const result = ask(store, url, { defaultCount: 1000, ...input })
  return result.refused ? result.issues.map(i => `refused: ${i.code}`) : result.matches.map(v => v.id)
}
