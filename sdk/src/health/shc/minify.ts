import { isObject, type JsonObject, list } from '#health/fhir/read'

/**
 * A Bundle as a card carries it (SMART Health Cards, "Health Cards are Small"): no ids, no narrative, no meta but security labels, no display and
 * text of codes, and references shortened to `resource:0`.
 */
export function minified(bundle: JsonObject): JsonObject {
  const entries = list(bundle.entry).filter(isObject)
  const names = new Map<string, string>()
  for (const [i, e] of entries.entries()) {
    const resource = isObject(e.resource) ? e.resource : {}
    if (typeof e.fullUrl === 'string') names.set(e.fullUrl, `resource:${i}`)
    if (typeof resource.id === 'string') names.set(`${resource.resourceType}/${resource.id}`, `resource:${i}`)
  }
  const entry = entries.map((e, i) => ({ fullUrl: `resource:${i}`, resource: small(e.resource, names, true) }))
  return { resourceType: 'Bundle', type: 'collection', entry }
}

function small(value: unknown, names: ReadonlyMap<string, string>, root = false): unknown {
  if (Array.isArray(value)) return value.map(item => small(item, names))
  if (!isObject(value)) return value
  const out: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    if (root && (key === 'id' || key === 'text')) continue
    if (root && key === 'meta') {
      if (isObject(item) && item.security !== undefined) out.meta = { security: item.security }
      continue
    }
    // `display` of a Coding, `text` of a CodeableConcept.
    if (key === 'display' && typeof value.code === 'string') continue
    if (key === 'text' && Array.isArray(value.coding) && value.coding.length) continue
    out[key] = key === 'reference' && typeof item === 'string' ? (names.get(item) ?? item) : small(item, names)
  }
  return out
}
