/** What goes into and comes out of the store and its search: plain values, so that REST, subscriptions and rules share them. */
import type { JsonObject } from '#health/fhir/read'

/** A FHIR R4 resource as parsed JSON. In the store it has `id`, `meta.versionId` and `meta.lastUpdated`, given from outside. */
export type FhirResource = JsonObject & { readonly resourceType: string }

export type Version = {
  readonly type: string
  readonly id: string
  readonly versionId: string
  /** `meta.lastUpdated`, an instant as text. */
  readonly lastUpdated: string
  /** How it came to be; `DELETE` is a tombstone. */
  readonly method: 'POST' | 'PUT' | 'DELETE'
  /** Null for a tombstone, and once it was removed from memory. */
  readonly resource: FhirResource | null
}

/** Names and values of a query, decoded, in their order: `[['code', 'http://loinc.org|8302-2'], ['date', 'ge2020']]`. */
export type Params = readonly (readonly [name: string, value: string])[]

/** What a caller may see of a type: all, nothing, or what matches at least one of the queries (SMART v2 scopes with search arguments). */
export type Visible = boolean | readonly Params[]

/** Answers about codes, from whatever terminology there is; null means that it does not know. */
export type Terminology = {
  readonly contains: (valueSet: string, system: string | undefined, code: string) => boolean | null
  /** Whether `general` is `special` or an ancestor of it. */
  readonly subsumes: (system: string | undefined, general: string, special: string) => boolean | null
}

export type SearchInput = {
  /** A resource type; null searches every type, or those of `_type`. */
  readonly type: string | null
  readonly params: Params
  /** `Prefer: handling=`; lenient when absent, which leaves out what is not understood and says so. */
  readonly handling?: 'strict' | 'lenient'
  /** The present, Unix milliseconds: only the prefix `ap` on dates needs it. */
  readonly now: number
  /** Only what is in this compartment: `Patient/x`. */
  readonly compartment?: { readonly type: 'Patient'; readonly id: string }
  /** What may be matched, included and chained through; everything when absent. */
  readonly visible?: (type: string) => Visible
  readonly terminology?: Terminology
  /** The store does not hold all yet: each page of this search says so with this issue, and none has a total. */
  readonly partial?: SearchIssue
  /** Entries on a page when `_count` is absent; 50. */
  readonly defaultCount?: number
  /** The most that `_count` may ask for; 1,000. */
  readonly maxCount?: number
}

/** As in an OperationOutcome. `text` names parameters and never repeats their values. */
export type SearchIssue = {
  readonly severity: 'error' | 'warning' | 'information'
  readonly code: 'invalid' | 'not-supported' | 'not-found' | 'too-costly' | 'expired' | 'processing' | 'incomplete'
  readonly text: string
  /** `http.<parameter>` as R4 wants it of an issue about a query. */
  readonly expression?: string
}

export type SearchResult = {
  readonly matches: readonly Version[]
  readonly includes: readonly Version[]
  /** All matches, not only of this page; null for `_total=none`, and of a part. */
  readonly total: number | null
  /** Gives the next page to `searchPage`; null on the last one. It never holds health data. */
  readonly next: string | null
  readonly previous: string | null
  /** The parameters that were used, as they go into the self link. */
  readonly used: Params
  /** Names of parameters that were left out. */
  readonly unused: readonly string[]
  readonly issues: readonly SearchIssue[]
  /** True when nothing was searched because of an error issue: answer 400 with the issues. */
  readonly refused: boolean
  /** What of each resource is to be shown; `searchBundle` applies it. */
  readonly shape: Shape
}

export type Shape = {
  readonly summary: 'true' | 'text' | 'data' | 'count' | 'false'
  readonly elements: readonly string[] | null
}

export type HistoryInput = {
  readonly type?: string
  readonly id?: string
  /** Only versions made at or after this instant, Unix milliseconds. */
  readonly since?: number
  /** Only versions that were current at some time in this range, Unix milliseconds, end exclusive. */
  readonly at?: readonly [from: number, to: number]
  readonly count?: number
  /** What an earlier page gave as `next`. */
  readonly cursor?: string
  readonly visible?: (type: string) => Visible
}
export type HistoryResult = { readonly versions: readonly Version[]; readonly total: number; readonly next: string | null }

export type EverythingInput = {
  /** The patient's logical id. */
  readonly id: string
  /** Unix milliseconds. */
  readonly since?: number
  readonly types?: readonly string[]
  /** Dates of care, FHIR dates; inclusive. */
  readonly start?: string
  readonly end?: string
  readonly count?: number
  readonly visible?: (type: string) => Visible
  readonly now: number
  /** Awaited now and then while it is gathered: a whole record would hold up whoever else is served. */
  readonly breathe?: () => Promise<void>
}

/** The answer to a conditional reference, create, update or delete. */
export type Conditional =
  | { readonly found: 'none' }
  | { readonly found: 'one'; readonly version: Version }
  | { readonly found: 'many'; readonly total: number }
  | { readonly found: 'refused'; readonly issues: readonly SearchIssue[] }

/** Resources in memory with every index that search needs, built as they are put. */
export type Store = {
  /**
   * Adds a resource or a version of it. The version of the latest `lastUpdated` is the current one, of equals the last put, so that versions
   * may come in any order. `fullUrl` (absolute or `urn:uuid:`) also leads to it then. Throws BAD_INPUT when `id`,
   * `meta.versionId` or `meta.lastUpdated` are absent, or the type is not one of R4.
   */
  readonly put: (resource: FhirResource, options?: { readonly fullUrl?: string; readonly method?: 'POST' | 'PUT' }) => Version
  /** Leaves a tombstone; null when there is nothing to delete. */
  readonly delete: (type: string, id: string, stamp: { readonly versionId: string; readonly lastUpdated: string }) => Version | null
  /** Forgets a resource with all its versions, and frees their memory; false when there is none. */
  readonly remove: (type: string, id: string) => boolean
  /** The current version; null when there never was one, `resource` null when it is gone. */
  readonly read: (type: string, id: string) => Version | null
  readonly vread: (type: string, id: string, versionId: string) => Version | null
  /** The current version a literal reference leads to: relative, absolute under a base of this store, urn, a known fullUrl. */
  readonly resolve: (reference: string) => Version | null
  /** How many current resources there are, of one type or of all. */
  readonly count: (type?: string) => number
  /** Types that have a current resource, in alphabetical order. */
  readonly types: () => string[]
}
