/** FHIR CodeSystem resources as releases, and what enumerated ValueSets say of codes whose own system is not here. */
import { field, isObject, type JsonObject, list, resourceTypeOf, string } from '#health/fhir/read'
import type { ReleaseConcept, ReleaseSystem } from './systems.ts'

export function systemOf(codeSystem: JsonObject): ReleaseSystem | null {
  const url = string(codeSystem.url)
  if (!url) return null
  const copyright = string(codeSystem.copyright)
  return {
    url,
    version: string(codeSystem.version) ?? '',
    name: string(codeSystem.title) ?? string(codeSystem.name) ?? url,
    ...(copyright ? { copyright } : {}),
    complete: codeSystem.content === 'complete',
    // Nested concepts without a stated meaning are read as "is a", as HL7's own systems mean it.
    hierarchy: codeSystem.hierarchyMeaning === undefined || codeSystem.hierarchyMeaning === 'is-a',
  }
}

const MAX_DEPTH = 64

const scalar = (p: unknown): string | undefined => {
  for (const key of ['valueCode', 'valueString', 'valueBoolean', 'valueInteger', 'valueDecimal', 'valueDateTime']) {
    const value = field(p, key)
    if (value !== undefined) return String(value)
  }
  return string(field(field(p, 'valueCoding'), 'code'))
}

/** Its concepts, each after its parent. Properties named `parent` and `subsumedBy` count as parents. */
export function* conceptsOf(codeSystem: JsonObject): Generator<ReleaseConcept> {
  const stack = [{ items: [...list(codeSystem.concept)].reverse() as unknown[], parent: undefined as string | undefined, depth: 0 }]
  while (stack.length) {
    const level = stack.at(-1)!
    if (!level.items.length) {
      stack.pop()
      continue
    }
    const raw = level.items.pop()
    const code = string(field(raw, 'code'))
    if (!code) continue
    const properties = list(field(raw, 'property')).flatMap(p => {
      const key = string(field(p, 'code'))
      const value = scalar(p)
      return key && value !== undefined ? [[key, value] as const] : []
    })
    const named = (key: string): readonly string[] => properties.filter(p => p[0] === key).map(p => p[1])
    const parents = [...new Set([...(level.parent ? [level.parent] : []), ...named('parent'), ...named('subsumedBy')])]
    const status = named('status')[0]
    yield {
      code,
      display: string(field(raw, 'display')) ?? code,
      ...(parents.length ? { parents } : {}),
      ...(named('notSelectable')[0] === 'true' || named('abstract')[0] === 'true' ? { abstract: true } : {}),
      ...(named('inactive')[0] === 'true' || status === 'retired' || status === 'inactive' ? { inactive: true } : {}),
      synonyms: list(field(raw, 'designation')).flatMap(d => string(field(d, 'value')) ?? []),
      properties,
    }
    const children = list(field(raw, 'concept'))
    if (children.length && level.depth < MAX_DEPTH) stack.push({ items: [...children].reverse(), parent: code, depth: level.depth + 1 })
  }
}

/** Codes that ValueSets enumerate, by system. */
export function enumerated(valueSets: Iterable<JsonObject>): Map<string, Map<string, string>> {
  const out = new Map<string, Map<string, string>>()
  for (const vs of valueSets)
    for (const include of list(field(vs.compose, 'include'))) {
      const system = string(field(include, 'system'))
      const concepts = list(field(include, 'concept'))
      if (!system || !concepts.length) continue
      const codes = out.get(system) ?? out.set(system, new Map()).get(system)!
      for (const c of concepts) {
        const code = string(field(c, 'code'))
        const display = string(field(c, 'display'))
        if (code && (display || !codes.has(code))) codes.set(code, display ?? codes.get(code) ?? code)
      }
    }
  return out
}

/** The terminology resources in a file: one, or those of a Bundle. */
export function terminologyResources(value: unknown): JsonObject[] {
  const all = resourceTypeOf(value) === 'Bundle' ? list(field(value, 'entry')).map(e => field(e, 'resource')) : [value]
  return all.filter(isObject).filter(r => ['CodeSystem', 'ValueSet', 'ConceptMap'].includes(resourceTypeOf(r) ?? ''))
}
