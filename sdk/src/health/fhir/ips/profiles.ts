/**
 * Which profile of the International Patient Summary (HL7, IPS 2.0.1) a resource keeps, if any. Only what is looked at here is declared:
 * cardinalities and fixed values; bindings there are preferred ones and bind nobody.
 */
import { at, codings, field, isObject, type JsonObject, list, resourceTypeOf, string } from '#health/fhir/read'

const BASE = 'http://hl7.org/fhir/uv/ips/StructureDefinition/'
const CATEGORIES = 'http://terminology.hl7.org/CodeSystem/observation-category'

/** A choice element (`effective[x]`) in any of its types, or as an extension that says why it is missing. */
export const has = (r: JsonObject, name: string): boolean =>
  Object.keys(r).some(
    key =>
      (key.startsWith(name) || key.startsWith(`_${name}`)) && /^_?[a-z]+($|[A-Z])/.test(key.slice(key.indexOf(name))) && r[key] != null,
  )

const refers = (r: JsonObject, name: string): boolean => string(at(r, name, 'reference')) !== undefined
const inCategory = (r: JsonObject, code: string): boolean => codings(r.category).some(c => c.system === CATEGORIES && c.code === code)
const isLoinc = (r: JsonObject, code: string): boolean => codings(r.code).some(c => c.system === 'http://loinc.org' && c.code === code)

const saysSomething = (r: JsonObject): boolean =>
  has(r, 'value') || r.dataAbsentReason !== undefined || list(r.hasMember).length > 0 || list(r.component).length > 0
const componentsSay = (r: JsonObject): boolean =>
  list(r.component).every(c => isObject(c) && (has(c, 'value') || c.dataAbsentReason !== undefined))

function observationProfile(r: JsonObject): string | null {
  if (!refers(r, 'subject') || !has(r, 'effective')) return null
  if (isLoinc(r, '72166-2')) return 'Observation-tobaccouse-uv-ips'
  const performed = list(r.performer).length > 0
  if (inCategory(r, 'laboratory') && performed && saysSomething(r) && componentsSay(r))
    return 'Observation-results-laboratory-pathology-uv-ips'
  const apart = !(list(r.hasMember).length && list(r.component).length)
  const day = string(r.effectiveDateTime)
  return inCategory(r, 'imaging') && performed && apart && (!day || day.length >= 8) ? 'Observation-results-radiology-uv-ips' : null
}

const named = (r: JsonObject): boolean =>
  list(r.name).length > 0 && list(r.name).every(n => ['family', 'given', 'text'].some(part => field(n, part) !== undefined))

const RULES: Readonly<Record<string, (r: JsonObject) => string | null>> = {
  Patient: r => (named(r) && has(r, 'birthDate') ? 'Patient-uv-ips' : null),
  AllergyIntolerance: r => (isObject(r.code) && refers(r, 'patient') ? 'AllergyIntolerance-uv-ips' : null),
  Condition: r => (isObject(r.code) && refers(r, 'subject') ? 'Condition-uv-ips' : null),
  MedicationStatement: r => (refers(r, 'subject') && has(r, 'effective') ? 'MedicationStatement-uv-ips' : null),
  MedicationRequest: r => (refers(r, 'subject') && r.doNotPerform !== true ? 'MedicationRequest-uv-ips' : null),
  Medication: r => (isObject(r.code) ? 'Medication-uv-ips' : null),
  Immunization: r => (refers(r, 'patient') && has(r, 'occurrence') ? 'Immunization-uv-ips' : null),
  Procedure: r => (isObject(r.code) && refers(r, 'subject') && has(r, 'performed') ? 'Procedure-uv-ips' : null),
  DeviceUseStatement: r => (refers(r, 'subject') && has(r, 'timing') ? 'DeviceUseStatement-uv-ips' : null),
  DiagnosticReport: r => (refers(r, 'subject') && has(r, 'effective') ? 'DiagnosticReport-uv-ips' : null),
  Flag: r => (refers(r, 'subject') && r.status === 'active' ? 'Flag-alert-uv-ips' : null),
  Practitioner: r => (named(r) ? 'Practitioner-uv-ips' : null),
  Organization: r => (string(r.name) ? 'Organization-uv-ips' : null),
  Specimen: r => (isObject(r.type) && refers(r, 'subject') ? 'Specimen-uv-ips' : null),
  Observation: observationProfile,
}

/** Canonical URL of the profile, or null: such a resource stands in the summary without a claim. */
export function ipsProfile(resource: JsonObject): string | null {
  const rule = RULES[resourceTypeOf(resource) ?? '']
  const name = rule?.(resource)
  return name ? BASE + name : null
}

export const ipsUrl = (name: string): string => BASE + name
