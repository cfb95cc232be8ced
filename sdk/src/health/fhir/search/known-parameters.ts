import type { CheckOptions } from '#health/fhir/issue'
import type { Registry } from './parameters.ts'

/** HL7's search parameters by URL, for checks of what refers to them. */
export function knownParameters(registry: Registry): NonNullable<CheckOptions['searchParameter']> {
  const known = new Map<string, { readonly type: string; readonly bases: Set<string> }>()
  for (const base of registry.types)
    for (const { url, type } of registry.of(base).values()) {
      const found = known.get(url) ?? { type, bases: new Set<string>() }
      found.bases.add(base)
      known.set(url, found)
    }
  return url => known.get(url.split('|')[0]!) ?? null
}
