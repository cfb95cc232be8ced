import { expect, test } from 'vitest'
import { utf8 } from '#base/bytes'
import { nameUuid } from '#crypto/name-uuid'
import { loadChecker } from '#health/fhir/check'
import { type Message, parseMessage } from './message.ts'
import { ADMISSION, header, letter, ORDER, PID, RESULT, segment, VACCINATION, VISIT } from './messages.kit.ts'
import { type Mapped, toFhir } from './to-fhir.ts'

const RECEIVED = '2026-01-02T03:04:06Z'
const read = (...lines: string[]): Message => parseMessage(utf8(lines.join('\r')))
const map = (message: Message, more = {}): Mapped => toFhir(message, { uuid: nameUuid, received: RECEIVED, ...more })
const of = (mapped: Mapped, type: string): Record<string, unknown>[] =>
  mapped.resources.flatMap(o => (o.resource.resourceType === type ? [o.resource as Record<string, unknown>] : []))
const one = (mapped: Mapped, type: string): Record<string, unknown> => {
  const [first, second] = of(mapped, type)
  expect(first, type).toBeDefined()
  expect(second, type).toBeUndefined()
  return first!
}

async function sound(mapped: Mapped): Promise<void> {
  const check = await loadChecker()
  for (const { resource, from } of mapped.resources)
    expect(
      check(resource).filter(i => i.severity === 'error'),
      from,
    ).toEqual([])
}

test('ADT^A01: the patient, the visit, next of kin, allergy, diagnosis, procedure and cover', async () => {
  const mapped = map(read(...ADMISSION))
  await sound(mapped)
  expect(one(mapped, 'Patient')).toMatchObject({
    identifier: [
      { system: 'urn:oid:2.16.840.1.113883.19.5', value: '4711', type: { coding: [{ code: 'MR' }] } },
      { value: '123456789', type: { coding: [{ code: 'SS' }] }, assigner: { display: 'USA' } },
    ],
    name: [{ use: 'official', family: 'Ostrowska', given: ['Ada', 'Maria'], prefix: ['Dr'] }],
    gender: 'female',
    birthDate: '1980-02-29',
    address: [{ use: 'home', line: ['1 Rose St'], city: 'Leeds', postalCode: 'LS1', country: 'GBR' }],
    telecom: [
      { system: 'phone', value: '+44 113 5550100', use: 'home' },
      { system: 'email', value: 'ada@example.org', use: 'home' },
      { system: 'phone', value: '5550199', use: 'mobile' },
    ],
    maritalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus', code: 'M' }] },
  })
  expect(one(mapped, 'Encounter')).toMatchObject({
    status: 'in-progress',
    class: { code: 'IMP' },
    identifier: [{ value: 'V100' }],
    period: { start: '2026-01-02T02:00:00+01:00' },
    participant: [
      {
        individual: {
          type: 'Practitioner',
          display: 'Dr Gregory House',
          identifier: { system: 'urn:oid:2.16.840.1.113883.4.6', value: '77' },
        },
      },
    ],
  })
  expect(one(mapped, 'RelatedPerson')).toMatchObject({ name: [{ family: 'Ostrowski', given: ['Jan'] }] })
  expect(one(mapped, 'AllergyIntolerance')).toMatchObject({
    category: ['medication'],
    criticality: 'high',
    code: { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '7980' }] },
    reaction: [{ manifestation: [{ text: 'Hives' }, { text: 'Wheeze' }] }],
  })
  expect(one(mapped, 'Condition')).toMatchObject({
    code: { coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'I10' }] },
    onsetDateTime: '2025-12-01',
  })
  expect(one(mapped, 'Procedure')).toMatchObject({ status: 'completed', performedDateTime: '2026-01-02' })
  expect(one(mapped, 'Coverage')).toMatchObject({
    payor: [{ display: 'Good Insurance' }],
    subscriberId: 'P-55',
    class: [{ value: 'GRP1' }, { value: 'GOLD' }],
  })
  expect(one(mapped, 'Provenance')).toMatchObject({
    recorded: RECEIVED,
    occurredDateTime: '2026-01-02T03:00:00+01:00',
    agent: [{ who: { display: 'CLINIC' } }],
  })
  expect(mapped.patient).toEqual(['2.16.840.1.113883.19.5|4711', 'USA|123456789'])
})

test('each ADT event says which state the visit is in', () => {
  const status = (event: string, pv1 = segment('PV1', { 2: 'I', 19: 'V100' })): unknown =>
    one(map(read(header(`ADT^${event}`), PID, pv1)), 'Encounter').status
  const discharged = segment('PV1', { 2: 'I', 19: 'V100', 45: '20260103' })
  expect(['A01', 'A03', 'A04', 'A05', 'A08', 'A11', 'A13'].map(e => status(e))).toEqual([
    'in-progress',
    'finished',
    'in-progress',
    'planned',
    'in-progress',
    'cancelled',
    'in-progress',
  ])
  expect([status('A08', discharged), status('A13', discharged)]).toEqual(['finished', 'in-progress'])
  expect(of(map(read(header('ADT^A28'), PID, 'PV1|1|N')), 'Encounter')).toEqual([])
})

test('ORU^R01: every type of OBX, its range, interpretation and notes, under its report', async () => {
  const mapped = map(read(...RESULT))
  await sound(mapped)
  const observations = of(mapped, 'Observation')
  expect(observations.map(o => Object.keys(o).find(k => k.startsWith('value')) ?? 'none')).toEqual([
    'valueQuantity',
    'valueQuantity',
    'valueRatio',
    'valueRange',
    'valueCodeableConcept',
    'valueString',
    'valueDateTime',
    'valueTime',
    'valueString',
    'none',
  ])
  expect(observations[0]).toMatchObject({
    status: 'final',
    valueQuantity: { value: 5.4, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
    referenceRange: [{ low: { value: 3.9, code: 'mmol/L' }, high: { value: 5.6 }, text: '3.9-5.6' }],
    interpretation: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: 'N' }] }],
    effectiveDateTime: '2026-01-01T08:05:00+01:00',
    note: [{ text: 'Repeated' }],
  })
  expect(observations[1]).toMatchObject({
    valueQuantity: { comparator: '<', value: 5 },
    referenceRange: [{ high: { value: 5 } }],
    effectiveDateTime: '2026-01-01T08:00:00+01:00',
  })
  expect(observations[5]).toMatchObject({ status: 'corrected', valueString: 'line one\ntwo & three\nline three' })
  expect(observations[8]).toMatchObject({ valueString: 'many' })
  expect(observations[9]).toMatchObject({ status: 'registered', dataAbsentReason: { coding: [{ code: 'temp-unknown' }] } })
  const report = one(mapped, 'DiagnosticReport')
  expect(report).toMatchObject({
    status: 'final',
    issued: '2026-01-01T12:00:00+01:00',
    presentedForm: [{ contentType: 'application/pdf', data: 'JVBERi0xLjQK' }, { title: 'Notes' }],
  })
  expect(report.result).toHaveLength(10)
  expect(one(mapped, 'Specimen')).toMatchObject({ collection: { collectedDateTime: '2026-01-01T07:55:00+01:00' } })
  expect(mapped.report.notes).toMatchObject([{ place: 'OBX[9]-5' }])
})

test('a message sent twice has the same ids; a correction is a new version of the same result', () => {
  const result = (value: string, status: string, id: string) =>
    map(read(header('ORU^R01', '+0100', id), PID, 'OBR|1||F1^LAB|24323-8^CMP^LN', `OBX|1|NM|2345-7^Glucose^LN||${value}|||||||${status}`))
  const ids = (m: Mapped, ...types: string[]) => m.resources.filter(o => !types.includes(o.resource.resourceType)).map(o => o.resource.id)
  expect(ids(result('5', 'F', '1'))).toEqual(ids(result('5', 'F', '1')))
  expect(ids(result('6', 'C', '2'), 'Provenance')).toEqual(ids(result('5', 'F', '1'), 'Provenance'))
  const twice = map(read(header('ORU^R01'), PID, 'OBR|1||F1^LAB|X', 'OBX|1|NM|A^A^L||1||||||F', 'OBX|2|NM|A^A^L||2||||||F'))
  expect(new Set(of(twice, 'Observation').map(o => o.id)).size).toBe(2)
})

test('VXU^V04: the vaccination with dose, route, lot, statements and eligibility; a refusal is not one', async () => {
  const mapped = map(read(...VACCINATION))
  await sound(mapped)
  const [given, refused] = of(mapped, 'Immunization')
  expect(given).toMatchObject({
    status: 'completed',
    vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '207' }] },
    doseQuantity: { value: 0.3, code: 'mL' },
    primarySource: true,
    lotNumber: 'LOT9',
    expirationDate: '2027-01-01',
    manufacturer: { display: 'Pfizer' },
    programEligibility: [{ coding: [{ code: 'V01' }] }],
    education: [{ documentType: 'COVID VIS', presentationDate: '2026-01-02' }],
    performer: [{ function: { coding: [{ code: 'AP' }] } }, { function: { coding: [{ code: 'OP' }] } }],
  })
  expect(refused).toMatchObject({ status: 'not-done', statusReason: { text: 'Parent refused' } })
  expect(refused?.doseQuantity).toBeUndefined()
})

test('MDM: the lines of text are one document, what is encapsulated another; T11 takes it back', async () => {
  const mdm = (event: string) => map(read(...letter(event)))
  const mapped = mdm('T02')
  await sound(mapped)
  expect(one(mapped, 'DocumentReference')).toMatchObject({
    status: 'current',
    docStatus: 'final',
    masterIdentifier: { value: 'DOC1' },
    relatesTo: [{ code: 'replaces', target: { identifier: { value: 'DOC0' } } }],
    content: [
      { attachment: { contentType: 'text/plain; charset=utf-8', data: btoa('Dear colleague\nshe is well') } },
      { attachment: { contentType: 'application/pdf' } },
    ],
  })
  expect(one(mdm('T11'), 'DocumentReference').status).toBe('entered-in-error')
  const empty = map(read(header('MDM^T01'), PID, 'TXA|1|DS|TX|||||||||DOC1^SYS'))
  await sound(empty)
  expect(empty.report.notes).toMatchObject([{ text: 'A notice of a document that comes without it' }])
})

test('A40: the surviving patient replaces the other, and both numbers are told apart', () => {
  const mapped = map(read(header('ADT^A40'), PID, 'MRG|99^^^CLINIC&2.16.840.1.113883.19.5&ISO^MR'))
  expect(one(mapped, 'Patient')).toMatchObject({ link: [{ type: 'replaces', other: { identifier: { value: '99' } } }] })
  expect(mapped.merged).toEqual(['2.16.840.1.113883.19.5|99'])
})

test('orders and appointments', async () => {
  const order = map(read(...ORDER))
  await sound(order)
  expect(one(order, 'ServiceRequest')).toMatchObject({
    status: 'active',
    intent: 'order',
    priority: 'stat',
    requester: { display: 'Asks Who' },
  })
  const visit = map(read(...VISIT))
  await sound(visit)
  expect(one(visit, 'Appointment')).toMatchObject({
    status: 'booked',
    start: '2026-02-03T09:00:00+01:00',
    end: '2026-02-03T08:30:00.000Z',
    minutesDuration: 30,
  })
})

test('a time without a zone takes that of MSH-7, else the site’s; without any it is a day', () => {
  const effective = (zone: string, more = {}) =>
    one(map(read(header('ORU^R01', zone), PID, 'OBR|1||F1|X|||202601010800', 'OBX|1|NM|A^A^L||1||||||F'), more), 'Observation')
      .effectiveDateTime
  expect(effective('-0530')).toBe('2026-01-01T08:00:00-05:30')
  expect(effective('', { zone: '+02:00' })).toBe('2026-01-01T08:00:00+02:00')
  expect(effective('')).toBe('2026-01-01')
})

test('what found no place is named by segment and field, never by value; numbers of two senders do not meet', () => {
  const mapped = map(
    read(header('ADT^A08'), `${PID}|||||||||||||||||||||||SECRET`, 'PV2||||||||||SECRET', 'ZXY|SECRET', 'GT1|1|SECRET', 'PID|2||5'),
  )
  expect(mapped.report.unmapped).toEqual(['PID-39', 'PV2-10', 'ZXY', 'GT1'])
  expect(JSON.stringify(mapped.report)).not.toContain('SECRET')
  const from = (facility: string) =>
    one(map(read(String.raw`MSH|^~\&|A|${facility}|||20260101||ADT^A08|1|P|2.5`, 'PID|1||5||A^B')), 'Patient').id
  expect(from('NORTH')).not.toBe(from('SOUTH'))
  expect(map(read(header('ADT^A08'))).report.notes).toMatchObject([{ place: 'PID' }])
})

test.each([
  ['eng^English^ISO639', { coding: [{ system: 'urn:ietf:bcp:47', code: 'en' }], text: 'English' }],
  ['ger', { coding: [{ system: 'urn:ietf:bcp:47', code: 'de' }], text: 'ger' }],
  ['1^Platt^99LOCAL', { text: 'Platt' }],
])('a language (%s) is named as BCP 47 does, or by its words alone', (told, language) => {
  const pid = segment('PID', { 3: '1', 7: '198002290930', 15: told })
  const patient = one(map(read(header('ADT^A08'), pid)), 'Patient')
  expect(patient.communication).toEqual([{ language }])
  // The time of birth belongs to its day.
  expect(patient).toMatchObject({ birthDate: '1980-02-29', _birthDate: { extension: [{ valueDateTime: '1980-02-29T09:30:00+01:00' }] } })
})
