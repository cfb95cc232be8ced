import { begin, type Common, coded, named, noteOf, type Resource, some, supporting, written } from './build.ts'
import { at } from './read.ts'

export type VaccinationInput = {
  readonly vaccine: string
  readonly date: string
  /** Which of a series. */
  readonly dose?: number
  readonly manufacturer?: string
  readonly lot?: string
  /** Who gave it, or where. */
  readonly where?: string
  readonly note?: string
}

/** A vaccination: from the one who gave it, or as the patient recalls it (with a certificate: from that). */
export const buildVaccination = (common: Common, input: VaccinationInput): Resource => ({
  ...begin('Immunization', common),
  ...supporting(common.attached),
  status: 'completed',
  vaccineCode: { text: input.vaccine },
  patient: named(common.patient),
  occurrenceDateTime: input.date,
  recorded: common.recorded,
  primarySource: common.origin.by === 'clinician',
  ...(common.origin.by === 'patient' ? { reportOrigin: coded('immunization-origin', common.attached?.length ? 'record' : 'recall') } : {}),
  ...(input.manufacturer ? { manufacturer: named(input.manufacturer) } : {}),
  ...some('lotNumber', input.lot),
  ...(performer(common, input) ? { performer: [{ actor: named(performer(common, input)!) }] } : {}),
  ...noteOf(input.note, common.recorded),
  ...(input.dose ? { protocolApplied: [{ doseNumberPositiveInt: input.dose }] } : {}),
})

const performer = ({ origin }: Common, { where }: VaccinationInput): string | undefined =>
  where || (origin.by === 'clinician' ? origin.name : undefined)

export function readVaccination(r: unknown): VaccinationInput {
  const dose = at(r, 'protocolApplied', 'doseNumberPositiveInt')
  return {
    vaccine: written(r, 'vaccineCode', 'text'),
    date: written(r, 'occurrenceDateTime'),
    ...(typeof dose === 'number' ? { dose } : {}),
    manufacturer: written(r, 'manufacturer', 'display'),
    lot: written(r, 'lotNumber'),
    where: written(r, 'performer', 'actor', 'display'),
    note: written(r, 'note', 'text'),
  }
}
