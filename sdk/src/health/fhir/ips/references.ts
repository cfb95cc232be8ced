import { facts, personName } from '#health/fhir/facts'
import { referenceKey } from '#health/fhir/problems'
import { conceptText, field, isObject, type JsonObject, resourceTypeOf, string } from '#health/fhir/read'

/** Finds a resource by what others call it: `Type/id`, an absolute address, or `urn:uuid:` with its id. */
export type Finder = (reference: string) => JsonObject | undefined

/** A name that two different resources bear leads nowhere: better no link than a wrong one. */
export function finder(resources: readonly JsonObject[], urlOf: (r: JsonObject) => string | undefined = () => undefined): Finder {
  const byKey = new Map<string, JsonObject | null>()
  for (const r of resources) {
    const id = string(r.id)
    const url = urlOf(r)
    const names = [...(id ? [`${resourceTypeOf(r)}/${id}`, `urn:uuid:${id.toLowerCase()}`] : []), ...(url ? [referenceKey(url)] : [])]
    for (const key of new Set(names)) byKey.set(key, byKey.has(key) && byKey.get(key) !== r ? null : r)
  }
  return reference => byKey.get(referenceKey(reference)) ?? undefined
}

const PARTS = new Set(['id', 'extension', 'reference', '_reference', 'type', 'identifier', 'display', '_display'])
const isReference = (x: JsonObject): boolean => typeof x.reference === 'string' && Object.keys(x).every(key => PARTS.has(key))

/** Every literal reference to elsewhere, in order of appearance. */
export function referencesIn(value: unknown, out: string[] = []): string[] {
  if (Array.isArray(value)) for (const item of value) referencesIn(item, out)
  else if (isObject(value)) {
    if (isReference(value) && !String(value.reference).startsWith('#')) out.push(String(value.reference))
    for (const key of Object.keys(value)) referencesIn(value[key], out)
  }
  return out
}

const CONDITIONAL = /^([A-Z]\w+)\?identifier=([^|&]*)\|([^&]+)$/

/** A pointer to what the document leaves out: what it was called, never where it was. */
function loose(reference: JsonObject, target: JsonObject | undefined): JsonObject {
  const literal = String(reference.reference)
  const asked = CONDITIONAL.exec(literal)
  const type = string(reference.type) ?? asked?.[1] ?? /(?:^|\/)([A-Z]\w+)\/[^/]+$/.exec(literal)?.[1] ?? resourceTypeOf(target)
  const identifier =
    reference.identifier ?? (asked ? { system: decodeURIComponent(asked[2]!), value: decodeURIComponent(asked[3]!) } : undefined)
  const display =
    string(reference.display) ?? (target ? nameOf(target) : undefined) ?? (identifier ? undefined : 'Not part of this summary')
  return { ...(type ? { type } : {}), ...(identifier ? { identifier } : {}), ...(display ? { display } : {}) }
}

const nameOf = (r: JsonObject): string => personName(r.name) ?? conceptText(field(r, 'code')) ?? facts(r).title

/** A copy whose references lead inside the document (`placeOf` gives the fullUrl of what is in it), or say that they do not. */
export function closed(value: unknown, find: Finder, placeOf: (r: JsonObject | undefined, reference: string) => string | null): unknown {
  if (Array.isArray(value)) return value.map(item => closed(item, find, placeOf))
  if (!isObject(value)) return value
  if (isReference(value) && !String(value.reference).startsWith('#')) {
    const literal = String(value.reference)
    const target = find(literal)
    const place = placeOf(target, literal)
    if (!place) return loose(value, target)
    const display = string(value.display) ?? (target ? nameOf(target) : undefined)
    return { reference: place, ...(display ? { display } : {}) }
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, closed(item, find, placeOf)]))
}
