/** Bundle rules of FHIR R4 (https://hl7.org/fhir/R4/bundle.html) beyond structure. */
import type { Issue } from './issue.ts'
import { problem, warning } from './issue.ts'
import type { JsonObject } from './read.ts'
import { field, isObject, list, resourceTypeOf, string } from './read.ts'

const ABSOLUTE = /^(https?:|urn:|ftp:|file:|[a-z][a-z0-9+.-]*:\/\/)/i
const UUID = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const OID = /^urn:oid:[0-2](\.(0|[1-9]\d*))+$/

type Entry = { readonly at: number; readonly fullUrl?: string; readonly resource?: JsonObject; readonly raw: JsonObject }

function entriesOf(bundle: JsonObject): Entry[] {
  return list(bundle.entry).flatMap((raw, at) => {
    if (!isObject(raw)) return []
    const fullUrl = string(raw.fullUrl)
    return [{ at, raw, ...(fullUrl ? { fullUrl } : {}), ...(isObject(raw.resource) ? { resource: raw.resource } : {}) }]
  })
}

function fullUrlIssues(entries: readonly Entry[], type: string): Issue[] {
  const issues: Issue[] = []
  const seen = new Set<string>()
  for (const e of entries) {
    const path = `Bundle.entry[${e.at}].fullUrl`
    if (!e.fullUrl) {
      const optional = ['transaction', 'batch', 'transaction-response', 'batch-response', 'history', 'searchset'].includes(type)
      if (e.resource && !optional)
        issues.push(problem('required', `Bundle.entry[${e.at}]`, 'Every entry with a resource needs a fullUrl in this kind of Bundle'))
      continue
    }
    if (!ABSOLUTE.test(e.fullUrl)) issues.push(problem('invalid', path, 'A fullUrl must be absolute'))
    else if (e.fullUrl.startsWith('urn:uuid:') && !UUID.test(e.fullUrl))
      issues.push(problem('invalid', path, 'A urn:uuid must be a UUID in lower case'))
    else if (e.fullUrl.startsWith('urn:oid:') && !OID.test(e.fullUrl))
      issues.push(problem('invalid', path, 'A urn:oid must be a valid OID'))
    if (e.fullUrl.includes('/_history/')) issues.push(problem('invariant', path, 'A fullUrl names no version'))
    const id = string(e.resource?.id)
    const kind = resourceTypeOf(e.resource)
    if (id && kind && /^https?:/.test(e.fullUrl) && !e.fullUrl.endsWith(`/${kind}/${id}`))
      issues.push(problem('invalid', path, 'The fullUrl does not end with the type and id of its resource'))
    const version = string(field(e.resource?.meta, 'versionId')) ?? ''
    const key = `${e.fullUrl}|${version}`
    if (seen.has(key) && type !== 'history') issues.push(problem('duplicate', path, 'Two entries have the same fullUrl'))
    seen.add(key)
  }
  return issues
}

type Target = { readonly fullUrl?: string; readonly local?: string }

/** Every literal reference inside a resource, with its path; contained resources included. */
function references(value: unknown, path: string, out: { path: string; reference: string }[], depth = 0): void {
  if (depth > 64) return
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) references(value[i], `${path}[${i}]`, out, depth + 1)
  else if (isObject(value)) {
    const reference = value.reference
    if (typeof reference === 'string' && !reference.startsWith('#')) out.push({ path, reference })
    for (const key of Object.keys(value)) if (typeof value[key] === 'object') references(value[key], `${path}.${key}`, out, depth + 1)
  }
}

/** How a reference in one entry finds another (https://hl7.org/fhir/R4/bundle.html#references). */
function resolves(reference: string, from: Target, urls: ReadonlySet<string>, locals: ReadonlySet<string>): boolean {
  const bare = reference.replace(/\/_history\/[^/]+$/, '').replace(/#.*$/, '')
  if (ABSOLUTE.test(bare)) return urls.has(bare)
  const base = /^(https?:\/\/.*?)\/[A-Z][A-Za-z]+\/[^/]+$/.exec(from.fullUrl ?? '')?.[1]
  return base ? urls.has(`${base}/${bare}`) : urls.has(bare) || locals.has(bare)
}

/** Document and message Bundles stand alone: what they refer to relatively or by urn must be inside. */
function referenceIssues(entries: readonly Entry[], type: string): Issue[] {
  const issues: Issue[] = []
  const urls = new Set(entries.flatMap(e => e.fullUrl ?? []))
  const locals = new Set(entries.flatMap(e => (e.resource?.id ? `${resourceTypeOf(e.resource)}/${String(e.resource.id)}` : [])))
  const closed = type === 'document' || type === 'message'
  for (const e of entries) {
    const found: { path: string; reference: string }[] = []
    references(e.resource, `Bundle.entry[${e.at}].resource`, found)
    for (const { path, reference } of found) {
      const urn = /^urn:(uuid|oid):/.test(reference)
      const relative = !ABSOLUTE.test(reference) && !reference.includes('?')
      if (resolves(reference, e, urls, locals)) {
        const version = /\/_history\/([^/]+)$/.exec(reference)?.[1]
        if (version && !entries.some(x => sameVersion(x, reference, version)))
          issues.push(problem('not-found', path, 'The reference names a version that the Bundle does not hold'))
        continue
      }
      if (closed && (urn || relative) && e.resource && e.at === 0)
        issues.push(problem('not-found', path, 'The document refers to a resource that is not in it'))
      else if (urn) issues.push((closed ? problem : warning)('not-found', path, 'The reference points to nothing in this Bundle'))
      else if (closed && relative) issues.push(warning('not-found', path, 'The reference points to nothing in this Bundle'))
    }
  }
  return issues
}

function sameVersion(e: Entry, reference: string, version: string): boolean {
  const kind = resourceTypeOf(e.resource)
  const told = string(field(e.resource?.meta, 'versionId'))
  return reference.includes(`${kind}/${String(e.resource?.id)}/`) && (told === undefined || told === version)
}

function documentIssues(bundle: JsonObject, entries: readonly Entry[], type: string): Issue[] {
  const issues: Issue[] = []
  const first = entries[0]
  if (type === 'document') {
    if (!first) issues.push(problem('invalid', 'Bundle.entry', 'A document needs its Composition'))
    else if (resourceTypeOf(first.resource) !== 'Composition')
      issues.push(problem('invalid', 'Bundle.entry[0]', 'The first entry of a document must be a Composition'))
    if (!string(field(bundle.identifier, 'system')) || !string(field(bundle.identifier, 'value')))
      issues.push(problem('invariant', 'Bundle.identifier', 'A document needs an identifier with system and value'))
    if (!string(bundle.timestamp)) issues.push(problem('invariant', 'Bundle.timestamp', 'A document needs a timestamp'))
  }
  if (type === 'message' && resourceTypeOf(first?.resource) !== 'MessageHeader')
    issues.push(problem('invalid', 'Bundle.entry[0]', 'The first entry of a message must be a MessageHeader'))
  return issues
}

function requestIssues(entries: readonly Entry[], type: string): Issue[] {
  const issues: Issue[] = []
  const asks = ['batch', 'transaction', 'history'].includes(type)
  for (const e of entries) {
    const path = `Bundle.entry[${e.at}]`
    if (asks && type !== 'history' && e.raw.request === undefined)
      issues.push(problem('invariant', path, 'Every entry of a batch or transaction needs a request'))
    if (!asks && e.raw.request !== undefined)
      issues.push(problem('invariant', `${path}.request`, 'A request belongs in batches, transactions and histories only'))
    if (type !== 'searchset' && e.raw.search !== undefined)
      issues.push(problem('invariant', `${path}.search`, 'Search details belong in search results only'))
  }
  return issues
}

function searchIssues(entries: readonly Entry[], type: string): Issue[] {
  if (type !== 'searchset') return []
  return entries.flatMap(({ at, resource, raw }) => {
    const kind = resourceTypeOf(resource)
    const path = `Bundle.entry[${at}].resource`
    const outcome = kind === 'OperationOutcome'
    return [
      ...(resource && !outcome && !string(resource.id) ? [problem('invalid', path, 'A search result needs an id')] : []),
      ...(field(raw.search, 'mode') === 'outcome' && kind && !outcome
        ? [problem('invalid', path, 'An outcome is an OperationOutcome')]
        : []),
    ]
  })
}

export function checkBundle(bundle: JsonObject): Issue[] {
  const type = string(bundle.type) ?? ''
  const entries = entriesOf(bundle)
  const listed = fullUrlIssues(entries, type)
  const total =
    bundle.total !== undefined && type !== 'searchset' && type !== 'history'
      ? [problem('invariant', 'Bundle.total', 'A total belongs in search results and histories only')]
      : []
  return [
    ...listed,
    ...total,
    ...documentIssues(bundle, entries, type),
    ...requestIssues(entries, type),
    ...searchIssues(entries, type),
    ...referenceIssues(entries, type),
  ]
}
