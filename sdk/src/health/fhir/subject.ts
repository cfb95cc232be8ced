/** Whom a resource is about, so that an import can warn before it files another person's record. */
import { at, field, isObject, list, resourceTypeOf, string } from './read.ts'

export type Identifier = { readonly system: string; readonly value: string }
export type PatientIdentity = {
  readonly family?: string
  readonly given: readonly string[]
  /** As written: YYYY, YYYY-MM or YYYY-MM-DD. */
  readonly birthDate?: string
  readonly identifiers: readonly Identifier[]
}

/** Elements that name the patient, by how usual they are; `subject` may also be a group, a device or a location. */
const SUBJECT_PATHS = ['subject', 'patient', 'beneficiary', 'individual', 'for'] as const

/**
 * The reference to the patient that a resource is about (`Patient/1`, `urn:uuid:…`, or an identifier as `system|value`), or null when it names none.
 * A Patient is about itself.
 */
export function subjectOf(resource: unknown): string | null {
  if (resourceTypeOf(resource) === 'Patient') {
    const id = string(field(resource, 'id'))
    return id ? `Patient/${id}` : null
  }
  for (const path of SUBJECT_PATHS) {
    const target = field(resource, path)
    const reference = string(at(target, 'reference'))
    if (reference) return reference
    const value = string(at(target, 'identifier', 'value'))
    if (value) return `${string(at(target, 'identifier', 'system')) ?? ''}|${value}`
  }
  return null
}

/** Name, birth date and identifiers of a Patient, as far as they are there. */
export function patientIdentity(resource: unknown): PatientIdentity {
  const names = list(field(resource, 'name')).filter(isObject)
  const name = names.find(n => n.use === 'official') ?? names[0]
  const family = string(name?.family)
  const birthDate = string(field(resource, 'birthDate'))
  const identifiers = list(field(resource, 'identifier')).flatMap(i => {
    const value = string(field(i, 'value'))
    return value ? [{ system: string(field(i, 'system')) ?? '', value }] : []
  })
  return {
    ...(family ? { family } : {}),
    given: list(name?.given).flatMap(g => string(g) ?? []),
    ...(birthDate ? { birthDate } : {}),
    identifiers,
  }
}

const folded = (s: string): string =>
  s
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')

/**
 * Whether two identities can be one person: `same` on a shared identifier or on name and birth date, `different` when the birth
 * dates or the family names and the given names contradict each other, else `unclear`. A hint for a warning, never a decision.
 */
export function comparePatients(a: PatientIdentity, b: PatientIdentity): 'same' | 'different' | 'unclear' {
  if (a.identifiers.some(x => x.system && b.identifiers.some(y => y.system === x.system && y.value === x.value))) return 'same'
  const dates = a.birthDate && b.birthDate
  const length = Math.min(a.birthDate?.length ?? 0, b.birthDate?.length ?? 0)
  const sameDate = Boolean(dates) && a.birthDate!.slice(0, length) === b.birthDate!.slice(0, length)
  if (dates && !sameDate) return 'different'
  const families = a.family && b.family
  const sameFamily = Boolean(families) && folded(a.family!) === folded(b.family!)
  const shared = a.given.some(x => b.given.some(y => folded(x) === folded(y)))
  if (sameDate && sameFamily && shared) return 'same'
  return families && !sameFamily && a.given.length > 0 && b.given.length > 0 && !shared ? 'different' : 'unclear'
}
