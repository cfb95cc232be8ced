import { field, isObject, type JsonObject, list, string } from '@keepwell/sdk/health/fhir/read'
import type { Params } from '@keepwell/sdk/health/fhir/search/types'
import type { RuleName } from './engine.ts'

/** What a rule looks at, as a search: asked of the open record, and of the client as prefetch. */
export type Need = { readonly type: string; readonly query: Params }

const HBA1C = ['4548-4', '17856-6', '59261-8', '4549-2', '41995-2', '17855-8', '62388-4', '71875-9']

export const NEEDS = {
  patient: { type: 'Patient', query: [] },
  medications: { type: 'MedicationRequest', query: [['status', 'active,on-hold']] },
  allergies: { type: 'AllergyIntolerance', query: [] },
  immunizations: { type: 'Immunization', query: [['status', 'completed']] },
  conditions: { type: 'Condition', query: [] },
  hba1c: { type: 'Observation', query: [['code', HBA1C.map(code => `http://loinc.org|${code}`).join(',')]] },
} as const satisfies Readonly<Record<string, Need>>

export type NeedName = keyof typeof NEEDS

/** A rule runs only where all of this is known: what a caller may not see must not look like something that was never done. */
export const NEEDED: Readonly<Record<RuleName, readonly NeedName[]>> = {
  AllergyConflict: ['patient', 'medications', 'allergies'],
  DuplicateMedication: ['patient', 'medications'],
  VaccinationOverdue: ['patient', 'immunizations'],
  HbA1cOverdue: ['patient', 'conditions', 'hba1c'],
}

/** The prefetch templates for these rules (CDS Hooks 2.0 §Prefetch Template). */
export const templates = (rules: readonly RuleName[]): Record<string, string> =>
  Object.fromEntries(
    needsOf(rules).map(name => {
      const { type, query }: Need = NEEDS[name]
      const patient = '{{context.patientId}}'
      return [
        name,
        type === 'Patient' ? `Patient/${patient}` : `${type}?${[['patient', patient], ...query].map(p => p.join('=')).join('&')}`,
      ]
    }),
  )

export const needsOf = (rules: readonly RuleName[]): NeedName[] => [...new Set(rules.flatMap(r => NEEDED[r]))]

/** Resources in a Bundle, or the one that stands alone. */
export const resourcesIn = (given: unknown): JsonObject[] =>
  (field(given, 'resourceType') === 'Bundle' ? list(field(given, 'entry')).map(e => field(e, 'resource')) : [given]).filter(
    (r): r is JsonObject => isObject(r) && typeof r.resourceType === 'string',
  )

/** Logical id in a reference to a Patient, wherever that is. */
const patientIn = (reference: unknown): string | null =>
  /(?:^|\/)Patient\/([^/]+)$/.exec(string(field(reference, 'reference')) ?? '')?.[1] ?? null

/** Whether a resource is this patient, or says that it is theirs, or says nothing of whose it is. */
export function isOf(patient: string, resource: JsonObject): boolean {
  if (resource.resourceType === 'Patient') return resource.id === patient
  const named = patientIn(resource.subject) ?? patientIn(resource.patient)
  return named === null || named === patient
}

/** An order with its drug where the rules look for it: one that is referred to, or contained, is put in its place. */
export function withDrug(order: JsonObject, resolve: (reference: string) => JsonObject | null): JsonObject {
  const reference = string(field(order.medicationReference, 'reference'))
  if (!reference || isObject(order.medicationCodeableConcept)) return order
  const inside = reference.startsWith('#') ? list(order.contained).find(c => field(c, 'id') === reference.slice(1)) : resolve(reference)
  const code = field(inside, 'code')
  const text = string(field(order.medicationReference, 'display'))
  const { medicationReference: _, ...rest } = order
  return { ...rest, medicationCodeableConcept: isObject(code) ? code : { ...(text ? { text } : {}) } }
}
