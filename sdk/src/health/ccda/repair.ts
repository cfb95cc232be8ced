/** What converters of C-CDA get wrong in known ways, put right before anything is struck out. */
import { field, isObject, list, string } from '#health/fhir/read'

type Mutable = Record<string, unknown>

const SYSTEM = 'http://terminology.hl7.org/CodeSystem/'
const concept = (system: string, code: string): unknown => ({ coding: [{ system: SYSTEM + system, code }] })
const codeOf = (x: unknown): string | undefined => string(field(list(field(x, 'coding'))[0], 'code'))

const PROCEDURE = new Set(['preparation', 'in-progress', 'not-done', 'on-hold', 'stopped', 'completed', 'entered-in-error', 'unknown'])
const UNKNOWN = 'unknown'

const BY_TYPE: Readonly<Record<string, (r: Mutable) => void>> = {
  Condition(r) {
    const status = codeOf(r.clinicalStatus)
    const abated = Object.keys(r).some(k => k.startsWith('abatement'))
    // con-4: what has ended is not active.
    if (abated && !['inactive', 'resolved', 'remission'].includes(status ?? ''))
      r.clinicalStatus = concept('condition-clinical', 'resolved')
    if (codeOf(r.verificationStatus) === undefined) delete r.verificationStatus
  },
  Immunization(r) {
    if (!Object.keys(r).some(k => k.startsWith('occurrence'))) r.occurrenceString = UNKNOWN
    const maker = r.manufacturer
    if (isObject(maker) && maker.display !== undefined && typeof maker.display !== 'string') delete r.manufacturer
  },
  Goal(r) {
    r.lifecycleStatus ??= 'active'
  },
  Procedure(r) {
    if (!PROCEDURE.has(String(r.status))) r.status = r.status === 'active' ? 'in-progress' : UNKNOWN
  },
  AllergyIntolerance(r) {
    // @medplum/ccda says "food" of every allergy, whatever the document says.
    delete r.category
  },
}

/** Repairs in place. */
export function repairCcda(resource: Mutable): void {
  BY_TYPE[String(resource.resourceType)]?.(resource)
}

/** What `negationInd` says of an entry, which the converter does not hear. Null: its type has no way to say "not". */
export function negated(resource: Mutable): Mutable | null {
  switch (resource.resourceType) {
    case 'AllergyIntolerance':
      return {
        ...resource,
        clinicalStatus: concept('allergyintolerance-clinical', 'inactive'),
        verificationStatus: concept('allergyintolerance-verification', 'refuted'),
      }
    case 'Condition':
      return {
        ...resource,
        clinicalStatus: concept('condition-clinical', 'inactive'),
        verificationStatus: concept('condition-ver-status', 'refuted'),
      }
    case 'Immunization':
    case 'Procedure':
    case 'MedicationAdministration':
      return { ...resource, status: 'not-done' }
    default:
      return null
  }
}
