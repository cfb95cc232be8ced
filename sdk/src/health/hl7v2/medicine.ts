/** RXO, RXE, RXD and RXA of an administration → MedicationRequest, MedicationDispense, MedicationAdministration (v2-to-FHIR, in brief). */
import { some } from '#health/fhir/build'
import type { JsonObject } from '#health/fhir/read'
import { codeKey } from './clinical.ts'
import { orderControl, orderStatus, v2Table } from './codes.ts'
import { add, annotations, type Context, idOf, keyOf, note, when } from './context.ts'
import { concept, decimal, entityId, practitioner, quantity, unitOf } from './datatypes.ts'
import type { Group } from './groups.ts'
import type { Row } from './read.ts'

const STATES: Readonly<Record<string, string>> = {
  revoked: 'cancelled',
  active: 'active',
  completed: 'completed',
  'on-hold': 'on-hold',
  'entered-in-error': 'entered-in-error',
}

function route(group: Group): JsonObject {
  const [rxr] = group.routes
  return { ...some('route', concept(rxr?.first(1), v2Table('0162'))), ...some('site', concept(rxr?.first(2), v2Table('0163'))) }
}

function amount(row: Row, value: number, unit: number): JsonObject | undefined {
  const n = decimal(row.text(value))
  return n === undefined ? undefined : quantity(n, unitOf(row.first(unit)))
}

/** [code, amount, unit, instructions] of each segment. */
const FIELDS = { RXO: [1, 2, 4, 7], RXE: [2, 3, 5, 7] } as const

export function mapPrescription(c: Context, row: Row, group: Group): void {
  const [code, dose, unit, words] = FIELDS[row.name as 'RXO' | 'RXE']
  const medicationCodeableConcept = concept(row.first(code))
  if (!medicationCodeableConcept) {
    note(c, row, code, 'A prescription that does not say of what')
    return
  }
  const { orc } = group
  const number = orc?.first(2) ?? orc?.first(3)
  const status = STATES[orderStatus(orc?.text(5)) ?? orderControl(orc?.text(1)) ?? ''] ?? 'unknown'
  const doseQuantity = amount(row, dose, unit)
  const text = row
    .reps(words)
    .flatMap(r => r.whole() ?? [])
    .join('; ')
  const dosage = {
    ...some('text', text),
    ...route(group),
    ...(doseQuantity ? { doseAndRate: [{ doseQuantity }] } : {}),
  }
  add(
    c,
    {
      resourceType: 'MedicationRequest',
      id: idOf(c, 'MedicationRequest', c.patientKey, keyOf(c, number) ?? `${c.sender}|${c.message.controlId}`, codeKey(row.first(code))),
      ...some('identifier', number ? [entityId(number)].filter(i => i !== undefined) : []),
      status,
      intent: 'order',
      medicationCodeableConcept,
      subject: c.patient,
      ...some('encounter', c.encounter),
      ...some('authoredOn', when(c, orc?.text(9))),
      ...some('requester', practitioner(orc?.first(12))),
      ...some('note', annotations(c, group.notes)),
      ...(Object.keys(dosage).length ? { dosageInstruction: [dosage] } : {}),
    },
    row,
  )
}

export function mapDispense(c: Context, rxd: Row, group: Group): void {
  const medicationCodeableConcept = concept(rxd.first(2))
  if (!medicationCodeableConcept) {
    note(c, rxd, 2, 'A dispense that does not say of what')
    return
  }
  const performer = rxd.reps(10).flatMap(r => practitioner(r) ?? [])
  rxd.text(1)
  add(
    c,
    {
      resourceType: 'MedicationDispense',
      id: idOf(
        c,
        'MedicationDispense',
        c.patientKey,
        rxd.text(7) ?? keyOf(c, group.orc?.first(2)) ?? c.message.controlId,
        codeKey(rxd.first(2)),
        rxd.text(3),
      ),
      ...some('identifier', rxd.text(7) ? [{ value: rxd.text(7) }] : []),
      status: 'completed',
      medicationCodeableConcept,
      subject: c.patient,
      ...some(
        'performer',
        performer.map(actor => ({ actor })),
      ),
      ...some('quantity', amount(rxd, 4, 5)),
      ...some('whenHandedOver', when(c, rxd.text(3))),
      ...some(
        'note',
        rxd.reps(9).flatMap(r => (r.whole() ? [{ text: r.whole() }] : [])),
      ),
    },
    rxd,
  )
}

/** RXA in an RAS: what was given, and when. */
export function mapAdministration(c: Context, rxa: Row, group: Group): void {
  const medicationCodeableConcept = concept(rxa.first(5))
  const at = when(c, rxa.text(3))
  if (!medicationCodeableConcept || !at) {
    note(c, rxa, 5, 'An administration without medicine or time')
    return
  }
  const performer = rxa.reps(10).flatMap(r => practitioner(r) ?? [])
  const dose = amount(rxa, 6, 7)
  add(
    c,
    {
      resourceType: 'MedicationAdministration',
      id: idOf(
        c,
        'MedicationAdministration',
        c.patientKey,
        keyOf(c, group.orc?.first(3) ?? group.orc?.first(2)),
        codeKey(rxa.first(5)),
        rxa.text(3),
        rxa.text(2),
      ),
      status: rxa.text(20) === 'RE' || rxa.text(20) === 'NA' ? 'not-done' : 'completed',
      medicationCodeableConcept,
      subject: c.patient,
      ...some('context', c.encounter),
      effectiveDateTime: at,
      ...some(
        'performer',
        performer.map(actor => ({ actor })),
      ),
      ...(dose ? { dosage: { ...route(group), dose } } : {}),
    },
    rxa,
  )
}
