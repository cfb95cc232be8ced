import { field, isObject, list, string } from '@keepwell/sdk/health/fhir/read'
import { registry } from '@keepwell/sdk/health/fhir/search/parameters'
import { table } from '@keepwell/sdk/health/fhir/search/parameters.generated'
import { search } from '@keepwell/sdk/health/fhir/search/search'
import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import type { Params, Visible } from '@keepwell/sdk/health/fhir/search/types'
import type { Actor, Scope } from '#gateway/core/types'
import { demand, granted } from '#gateway/fhir/access'
import { withParameters } from '#gateway/fhir/operations'
import { type OutcomeIssue, Refusal, refuse } from '#gateway/fhir/outcome'
import type { FhirRequest } from '#gateway/fhir/route'

/** What an export is to hold. */
export type Plan = {
  /** Everything in the records, or what belongs to the patients and what that refers to. */
  readonly level: 'system' | 'patient'
  /** Null for all that the actor may see. */
  readonly types: readonly string[] | null
  /** Unix milliseconds. */
  readonly since: number | null
  /** By type: a resource that meets one of the queries is in. */
  readonly filters: ReadonlyMap<string, readonly Params[]>
  /** Root elements that are wanted beside the mandatory ones, `status` or `Patient.name`; null for all. */
  readonly elements: readonly string[] | null
  /** Where what is exported comes from, when that is asked for beside it: all of it, or the latest of each. */
  readonly provenance: 'relevant' | 'latest' | null
  /** Logical ids; null for everybody. */
  readonly patients: ReadonlySet<string> | null
  /** What a lenient caller asked for in vain. */
  readonly notes: readonly OutcomeIssue[]
}

export const R4 = registry(table)

const NDJSON = new Set(['application/fhir+ndjson', 'application/ndjson', 'ndjson'])
const KNOWN = new Set(['_elements', '_outputFormat', '_since', '_type', '_typeFilter', 'includeAssociatedData', 'patient'])
/** Of the standard, and not here. */
const UNSERVED = new Set(['organizeOutputBy', 'allowPartialManifests'])
/** A filter finds resources; it neither orders nor shapes them, nor brings others along. */
const NO_FILTER = /^_(include|revinclude|sort|count|summary|elements|total|contained|containedType|cursor)\b/

/** A program's scopes for many patients: those of a person at one patient are not for taking records out in bulk. */
const forBulk = (scope: Scope): boolean => scope.context === 'system' && scope.r && scope.s

/** The actor with what counts here of its scopes. */
export const bulkActor = (actor: Actor): Actor => (actor.scopes === null ? actor : { ...actor, scopes: actor.scopes.filter(forBulk) })

/** What a bulk export may take of a type. */
export const takes =
  (actor: Actor) =>
  (type: string): Visible =>
    granted(bulkActor(actor), type, 's')

/** The plan in a request to export (Bulk Data 2.0 §Query Parameters). Throws a refusal that names the parameter. */
export function planOf(request: FhirRequest, level: Plan['level']): Plan {
  const { actor, prefer } = request
  if (!prefer.async) throw refuse(400, 'required', 'An export is asked for with Prefer: respond-async.', 'http.Prefer')
  if (bulkActor(actor).scopes?.length === 0) throw refuse(403, 'forbidden', 'An export needs a system scope to read and search.')
  const query = withParameters(request)
  const lenient = prefer.handling === 'lenient'
  const notes: OutcomeIssue[] = []
  /** Refuses what is not served; a lenient caller is told in the end. */
  const decline: Decline = (text, expression) => {
    if (!lenient) throw refuse(400, 'not-supported', text, expression)
    notes.push({ severity: 'warning', code: 'not-supported', text, ...(expression ? { expression } : {}) })
  }
  for (const name of new Set(query.keys()))
    if (UNSERVED.has(name)) decline(`${name} is not served here.`, `http.${name}`)
    else if (!KNOWN.has(name)) decline('The request has a parameter that is not served here.')
  const format = query.get('_outputFormat')?.replace(/ /g, '+')
  if (format && !NDJSON.has(format)) throw refuse(400, 'not-supported', 'Exports are NDJSON.', 'http._outputFormat')
  const types = typesIn(actor, query, decline)
  const elements = elementsIn(query, decline)
  const provenance = provenanceIn(actor, query, decline)
  const filters = filtersIn(query, types)
  return { level, types, since: sinceIn(query), filters, elements, provenance, patients: patientsIn(request), notes }
}

type Decline = (text: string, expression?: string) => void

/** The values of a parameter that may be said several times, each with several. */
const listed = (query: URLSearchParams, name: string): string[] =>
  query
    .getAll(name)
    .flatMap(v => v.split(','))
    .filter(Boolean)

function typesIn(actor: Actor, query: URLSearchParams, decline: Decline): string[] | null {
  const asked = listed(query, '_type')
  if (!asked.length) return null
  const known = asked.filter(R4.isType)
  if (known.length < asked.length) decline('_type names what is no type of R4.', 'http._type')
  for (const type of known) demand(bulkActor(actor), type, 's')
  return [...new Set(known)]
}

const ELEMENT = /^(?:([A-Z][A-Za-z]{1,63})\.)?[a-z][A-Za-z0-9]{0,63}$/

/** Elements at the root of resources; deeper ones the standard does not permit. */
function elementsIn(query: URLSearchParams, decline: Decline): string[] | null {
  const asked = listed(query, '_elements')
  if (!asked.length) return null
  const known = asked.filter(e => {
    const [whole, type] = ELEMENT.exec(e) ?? []
    return whole !== undefined && (type === undefined || R4.isType(type))
  })
  if (known.length < asked.length) decline('_elements names root elements, as name or Type.name.', 'http._elements')
  return known.length ? known : null
}

const ASSOCIATED: Readonly<Record<string, 'relevant' | 'latest'>> = {
  RelevantProvenanceResources: 'relevant',
  LatestProvenanceResources: 'latest',
}

/** Of several values the one that brings most counts (Bulk Data 2.0 §includeAssociatedData). */
function provenanceIn(actor: Actor, query: URLSearchParams, decline: Decline): Plan['provenance'] {
  const asked = listed(query, 'includeAssociatedData')
  if (asked.some(v => !Object.hasOwn(ASSOCIATED, v))) decline('Provenance is all that goes with an export.', 'http.includeAssociatedData')
  const known = new Set(asked.flatMap(v => (Object.hasOwn(ASSOCIATED, v) ? ASSOCIATED[v]! : [])))
  if (known.size === 0) return null
  demand(bulkActor(actor), 'Provenance', 's')
  return known.has('relevant') ? 'relevant' : 'latest'
}

function sinceIn(query: URLSearchParams): number | null {
  const said = query.get('_since')
  if (said === null) return null
  const since = Date.parse(said.replace(/ /g, '+'))
  if (!Number.isFinite(since)) throw refuse(400, 'invalid', '_since is no instant.', 'http._since')
  return since
}

/** `_typeFilter=Observation?code=…`; those in one parameter are parted by commas, which in a query of theirs are escaped. */
function filtersIn(query: URLSearchParams, types: readonly string[] | null): Map<string, Params[]> {
  const filters = new Map<string, Params[]>()
  const empty = openStore({ bases: [] })
  for (const said of query.getAll('_typeFilter').flatMap(v => v.split(/,(?=[A-Z][A-Za-z]+\?)/))) {
    const [, type = '', rest = ''] = /^([A-Z][A-Za-z]{1,63})\?(.*)$/.exec(said) ?? []
    const params: Params = [...new URLSearchParams(rest)]
    const bad = !R4.isType(type) || params.length === 0 || params.some(([name]) => NO_FILTER.test(name))
    if (bad || (types && !types.includes(type)))
      throw refuse(400, 'invalid', '_typeFilter is a search of one of the types that are exported.', 'http._typeFilter')
    const tried = search(empty, { type, params, handling: 'strict', now: 0 })
    if (tried.refused) throw new Refusal(400, tried.issues)
    filters.set(type, [...(filters.get(type) ?? []), params])
  }
  return filters
}

/** The patients that a posted request is limited to. */
function patientsIn({ resource }: FhirRequest): Set<string> | null {
  if (resource?.resourceType !== 'Parameters') return null
  const named = list(resource.parameter).filter(p => field(p, 'name') === 'patient')
  if (!named.length) return null
  return new Set(
    named.map(p => {
      const reference = isObject(p) ? string(field(field(p, 'valueReference'), 'reference')) : null
      const id = /(?:^|\/)Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(reference ?? '')?.[1]
      if (!id) throw refuse(400, 'invalid', 'patient is a reference to a Patient.', 'Parameters.parameter')
      return id
    }),
  )
}
