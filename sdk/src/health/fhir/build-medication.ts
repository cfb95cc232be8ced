import { begin, type Common, coded, named, noteOf, periodOf, pointers, type Resource, some, written } from './build.ts'
import { at, string } from './read.ts'

export type MedicationInput = {
  readonly name: string
  /** How it is taken, as a person says it: `1 tablet in the morning`. */
  readonly dose?: string
  readonly from?: string
  readonly until?: string
  readonly state: 'active' | 'completed' | 'stopped'
  readonly reason?: string
  readonly note?: string
}

/** A medicine that someone takes or took. */
export const buildMedication = (common: Common, input: MedicationInput): Resource => ({
  ...begin('MedicationStatement', common),
  status: input.state,
  category: coded('medication-statement-category', common.origin.by === 'patient' ? 'patientspecified' : 'outpatient'),
  medicationCodeableConcept: { text: input.name },
  subject: named(common.patient),
  ...periodOf('effectivePeriod', input.from, input.until),
  dateAsserted: common.recorded,
  informationSource: named(common.origin.name),
  ...some('derivedFrom', pointers(common.attached)),
  ...(input.reason ? { reasonCode: [{ text: input.reason }] } : {}),
  ...noteOf(input.note, common.recorded),
  ...(input.dose ? { dosage: [{ text: input.dose }] } : {}),
})

export function readMedication(r: unknown): MedicationInput {
  const status = written(r, 'status')
  return {
    name: string(at(r, 'medicationCodeableConcept', 'text')) ?? '',
    dose: written(r, 'dosage', 'text'),
    from: written(r, 'effectivePeriod', 'start'),
    until: written(r, 'effectivePeriod', 'end'),
    state: status === 'completed' || status === 'stopped' ? status : 'active',
    reason: written(r, 'reasonCode', 'text'),
    note: written(r, 'note', 'text'),
  }
}
