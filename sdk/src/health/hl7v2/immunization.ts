/** RXA with ORC, RXR and OBX → Immunization (v2-to-FHIR VXU_V04; CDC's implementation guide for what the OBX say). */
import { some } from '#health/fhir/build'
import type { JsonObject } from '#health/fhir/read'
import { codeKey } from './clinical.ts'
import { immunizationStatus, v2Table } from './codes.ts'
import { add, annotations, type Context, idOf, keyOf, note, when } from './context.ts'
import { concept, date, decimal, entityId, location, organization, practitioner, quantity, unitOf } from './datatypes.ts'
import type { Group, Noted } from './groups.ts'
import { mapObservation } from './observation.ts'
import type { Row } from './read.ts'

const ELIGIBILITY = '64994-7'
const EDUCATION: Readonly<Record<string, 'documentType' | 'publicationDate' | 'presentationDate'>> = {
  '69764-9': 'documentType',
  '30956-7': 'documentType',
  '29768-9': 'publicationDate',
  '29769-7': 'presentationDate',
}

type Told = { readonly eligibility: JsonObject[]; readonly education: JsonObject[]; readonly rest: Noted[] }

/** Vaccine statements come one by one, held together by OBX-4. */
function toldBy(c: Context, observations: readonly Noted[]): Told {
  const eligibility: JsonObject[] = []
  const pages = new Map<string, Record<string, unknown>>()
  const rest: Noted[] = []
  for (const noted of observations) {
    const { row } = noted
    const code = row.text(3) ?? ''
    const member = Object.hasOwn(EDUCATION, code) ? EDUCATION[code] : undefined
    if (code === ELIGIBILITY && concept(row.first(5))) eligibility.push(concept(row.first(5), v2Table('0064'))!)
    else if (member) {
      const page = pages.get(row.text(4) ?? '') ?? {}
      const value = member === 'documentType' ? (concept(row.first(5))?.text ?? row.first(5)?.whole()) : when(c, row.text(5))
      if (value) page[member] = value
      pages.set(row.text(4) ?? '', page)
    } else {
      rest.push(noted)
      continue
    }
    for (const field of [1, 2, 11, 14, 17]) row.text(field)
  }
  const education = [...pages.values()].filter(p => 'documentType' in p)
  return { eligibility, education, rest }
}

function doses(rxa: Row): JsonObject {
  const amount = decimal(rxa.text(6))
  // 999 stands for an amount that nobody wrote down.
  return amount === undefined || amount === 999 ? {} : { doseQuantity: quantity(amount, unitOf(rxa.first(7))) }
}

export function mapImmunization(c: Context, rxa: Row, group: Group): void {
  const { orc } = group
  const [rxr] = group.routes
  const vaccineCode = concept(rxa.first(5))
  const occurrence = when(c, rxa.text(3))
  if (!vaccineCode) {
    note(c, rxa, 5, 'A vaccination that does not say with what')
    return
  }
  const status = rxa.text(21) === 'D' ? 'entered-in-error' : (immunizationStatus(rxa.text(20)) ?? 'completed')
  const source = rxa.text(9)
  const number = orc?.first(3) ?? orc?.first(2)
  const performer = [...rxa.reps(10).map(r => [practitioner(r), 'AP'] as const), [practitioner(orc?.first(12)), 'OP'] as const].flatMap(
    ([actor, code]) => (actor ? [{ function: { coding: [{ system: v2Table('0443'), code }] }, actor }] : []),
  )
  const told = toldBy(c, group.observations)
  const refusal = concept(rxa.first(18), v2Table('0322'))
  rxa.text(1)
  rxa.text(2)
  rxa.text(4)
  const key = keyOf(c, number) ?? `${codeKey(rxa.first(5))}|${rxa.text(3) ?? ''}`
  const reference = add(
    c,
    {
      resourceType: 'Immunization',
      id: idOf(c, 'Immunization', c.patientKey, key),
      ...some('identifier', number ? [entityId(number)].filter(i => i !== undefined) : []),
      status,
      ...some('statusReason', status === 'not-done' ? refusal : undefined),
      vaccineCode,
      patient: c.patient,
      ...some('encounter', c.encounter),
      ...(occurrence ? { occurrenceDateTime: occurrence } : { occurrenceString: 'unknown' }),
      ...some('recorded', when(c, rxa.text(22)) ?? when(c, orc?.text(9))),
      ...(source ? { primarySource: source === '00' } : {}),
      ...(source && source !== '00' ? some('reportOrigin', concept(rxa.first(9))) : {}),
      ...some('location', location(rxa.first(11)) ?? location(rxa.first(27))),
      ...some('manufacturer', maker(rxa)),
      ...some('lotNumber', rxa.text(15)),
      ...some('expirationDate', date(rxa.text(16))),
      ...some('site', concept(rxr?.first(2), v2Table('0163'))),
      ...some('route', concept(rxr?.first(1), v2Table('0162'))),
      ...doses(rxa),
      ...some('performer', performer),
      ...some('note', annotations(c, group.notes)),
      ...some(
        'reasonCode',
        rxa.reps(19).flatMap(r => concept(r) ?? []),
      ),
      ...some('education', told.education),
      ...some('programEligibility', told.eligibility),
    },
    rxa,
  )
  for (const { row, notes } of told.rest) mapObservation(c, row, { key: `${c.patientKey}|${key}`, notes, partOf: reference })
}

function maker(rxa: Row): JsonObject | undefined {
  const said = rxa.first(17)
  const name = said?.text(2) ?? said?.text(1)
  const code = said?.text(1)
  if (!name) return undefined
  const mvx = said?.text(3) === 'MVX' && code ? { identifier: { system: 'http://hl7.org/fhir/sid/mvx', value: code } } : {}
  return said?.text(3) ? { type: 'Organization', ...mvx, display: name } : organization(said)
}
