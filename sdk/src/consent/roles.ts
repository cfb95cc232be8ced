import type { CompartmentName } from '#base/compartments'
import type { Purpose } from './terms.ts'

/**
 * What a person of the organisation may do by their role: why, in which parts of a record, and with which resources. It is a table and
 * no rules engine: interactions are SMART scopes, and purposes and parts only narrow what the patient's consent gives.
 */
export type Role = {
  /** The first is what a launch is for unless another is chosen. */
  readonly purposes: readonly [Purpose, ...Purpose[]]
  readonly compartments: readonly CompartmentName[] | 'all'
  readonly scopes: string
}

const CLINICAL: readonly CompartmentName[] = ['general', 'medications', 'imaging', 'laboratory', 'wearables', 'emergency']

export const ROLES = {
  physician: { purposes: ['TREAT', 'ETREAT', 'CAREMGT'], compartments: 'all', scopes: 'user/*.cruds' },
  nurse: {
    purposes: ['TREAT', 'CAREMGT'],
    compartments: [...CLINICAL, 'mental-health', 'substance-use', 'sexual-health'],
    scopes: 'user/*.rs user/Observation.cu user/Immunization.cu user/MedicationAdministration.cu user/DocumentReference.c user/Task.cu',
  },
  pharmacist: {
    purposes: ['TREAT', 'CAREMGT'],
    compartments: ['general', 'medications', 'laboratory', 'emergency'],
    scopes: 'user/*.rs user/MedicationDispense.cu user/MedicationStatement.cu',
  },
  laboratory: {
    purposes: ['TREAT'],
    compartments: ['general', 'laboratory', 'genomics'],
    scopes:
      'user/Patient.rs user/ServiceRequest.rs user/Observation.crus user/DiagnosticReport.crus user/Specimen.crus user/DocumentReference.crs',
  },
  radiology: {
    purposes: ['TREAT'],
    compartments: ['general', 'imaging', 'laboratory', 'emergency'],
    scopes: 'user/*.rs user/ImagingStudy.cu user/DiagnosticReport.cu user/Observation.cu user/DocumentReference.c',
  },
  reception: {
    purposes: ['HOPERAT'],
    compartments: ['general'],
    scopes: 'user/Patient.crus user/Encounter.crus user/Appointment.crus user/Coverage.crus user/DocumentReference.c',
  },
  billing: {
    purposes: ['HPAYMT', 'COVERAGE'],
    compartments: ['general'],
    scopes:
      'user/Patient.rs user/Coverage.rs user/Encounter.rs user/Procedure.rs user/Condition.rs user/Claim.crus user/ExplanationOfBenefit.rs',
  },
  researcher: { purposes: ['HRESCH'], compartments: 'all', scopes: 'user/*.rs' },
  auditor: { purposes: ['HOPERAT'], compartments: ['general'], scopes: 'user/AuditEvent.rs user/Provenance.rs user/Consent.rs' },
} as const satisfies Readonly<Record<string, Role>>

export type RoleName = keyof typeof ROLES
export const isRole = (name: string): name is RoleName => Object.hasOwn(ROLES, name)
export const roleOf = (name: RoleName): Role => ROLES[name]
