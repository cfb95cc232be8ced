/** Results as Bundles (https://hl7.org/fhir/R4/bundle.html): searchset and history, with their links. */
import { shaped } from './shape.ts'
import type { FhirResource, HistoryResult, SearchIssue, SearchResult, Version } from './types.ts'

export type BundleOptions = {
  /** The REST base, without a slash at the end. */
  readonly base: string
  /** What was searched, relative to the base: `Observation`, `Patient/1/_history`; empty for the whole system. */
  readonly path: string
}

const link = (relation: string, url: string): FhirResource => ({ relation, url }) as unknown as FhirResource

export function outcome(issues: readonly SearchIssue[]): FhirResource {
  const issue = issues.map(i => ({
    severity: i.severity,
    code: i.code,
    diagnostics: i.text,
    ...(i.expression ? { expression: [i.expression] } : {}),
  }))
  return { resourceType: 'OperationOutcome', issue }
}

/** What is said of a search stands under a name of its own in the Bundle: HL7's validator asks one of every entry. */
const said = (issues: readonly SearchIssue[]) => ({
  fullUrl: 'urn:uuid:0d1f2e4c-6b7a-4c3d-9e58-6f0a1b2c3d4e',
  resource: { ...outcome(issues), id: 'outcome' },
  search: { mode: 'outcome' as const },
})

const urlOf = ({ base, path }: BundleOptions, query: string): string =>
  `${[base, path].filter(Boolean).join('/')}${query ? `?${query}` : ''}`

/**
 * The searchset of a page. The self link names the parameters that were used (R4 3.1.1.1); the links to other pages hold a cursor and
 * nothing of the patient: serve `_cursor` with `searchPage`.
 */
export function searchBundle(result: SearchResult, options: BundleOptions): FhirResource {
  const entry = (mode: 'match' | 'include') => (v: Version) => ({
    fullUrl: `${options.base}/${v.type}/${v.id}`,
    resource: shaped(v.resource!, result.shape),
    search: { mode },
  })
  const self = result.used.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
  const page = (relation: string, cursor: string | null) => (cursor === null ? [] : [link(relation, urlOf(options, `_cursor=${cursor}`))])
  const entries = [
    ...result.matches.map(entry('match')),
    ...result.includes.map(entry('include')),
    ...(result.issues.length ? [said(result.issues)] : []),
  ]
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(result.total === null ? {} : { total: result.total }),
    link: [link('self', urlOf(options, self)), ...page('previous', result.previous), ...page('next', result.next)],
    ...(entries.length ? { entry: entries } : {}),
  }
}

const STATUS = { POST: '201', PUT: '200', DELETE: '204' } as const

/** A history Bundle (https://hl7.org/fhir/R4/http.html#history); entries newest first. */
export function historyBundle(result: HistoryResult, options: BundleOptions): FhirResource {
  const entry = result.versions.map(v => ({
    fullUrl: `${options.base}/${v.type}/${v.id}`,
    ...(v.resource ? { resource: v.resource } : {}),
    request: { method: v.method, url: v.method === 'POST' ? v.type : `${v.type}/${v.id}` },
    response: { status: STATUS[v.method], etag: `W/"${v.versionId}"`, lastModified: v.lastUpdated },
  }))
  return {
    resourceType: 'Bundle',
    type: 'history',
    total: result.total,
    link: [link('self', urlOf(options, '')), ...(result.next ? [link('next', urlOf(options, `_cursor=${result.next}`))] : [])],
    ...(entry.length ? { entry } : {}),
  }
}
