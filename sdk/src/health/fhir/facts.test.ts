import { expect, test } from 'vitest'
import { corpusTest, FHIR_FOLDERS, parseJson, resourcesOf } from '#health/corpora.kit'
import { samplePatient } from '#sample/patient'
import { facts, MAX_CODES, TITLE_LENGTH } from './facts.ts'
import { comparePatients, patientIdentity, subjectOf } from './subject.ts'

test('a title is what a person calls the thing', () => {
  const loinc = (display: string): unknown => ({ coding: [{ system: 'http://loinc.org', code: '1', display }] })
  expect(facts({ resourceType: 'Observation', code: loinc('Glucose'), valueQuantity: { value: 98.4, unit: 'mg/dL' } }).title).toBe(
    'Glucose: 98.4 mg/dL',
  )
  expect(facts({ resourceType: 'Immunization', vaccineCode: { text: 'Influenza' } }).title).toBe('Influenza')
  expect(facts({ resourceType: 'Patient', name: [{ family: 'B', given: ['A', 'C'] }] }).title).toBe('A C B')
  expect(facts({ resourceType: 'MedicationRequest', category: [loinc('Inpatient')] }).title).toBe('Medication request')
  const contained = [{ resourceType: 'Medication', id: 'm', code: { text: 'Aspirin' } }]
  expect(facts({ resourceType: 'MedicationRequest', contained, medicationReference: { reference: '#m' } }).title).toBe('Aspirin')
})

test('dates are of care, not of filing', () => {
  const condition = { resourceType: 'Condition', recordedDate: '2024-05-01', onsetDateTime: '2019', abatementDateTime: '2020-02-03' }
  expect(facts(condition).dates).toEqual({ start: '2019', end: '2020-02-03' })
  expect(facts({ resourceType: 'Encounter', period: { start: '2020-01-01T10:00:00Z', end: '2020-01-02' } }).dates).toEqual({
    start: '2020-01-01T10:00:00Z',
    end: '2020-01-02',
  })
  expect(facts({ resourceType: 'Observation', effectiveDateTime: 'last spring', issued: '2020-01-01' }).dates).toEqual({
    start: '2020-01-01',
  })
})

test('a title cannot disguise itself or grow', () => {
  const title = facts({ resourceType: 'Basic', code: { text: `a\u202Eb\u0000\n${'😀'.repeat(500)}` } }).title
  expect([...title].length).toBeLessThanOrEqual(TITLE_LENGTH)
  expect(title).toMatch(/^a b 😀/)
  expect(title).not.toMatch(/[\p{Cc}\u202E]/u)
})

test('anything with a resourceType has facts, whatever the rest is', () => {
  const odd: unknown[] = [
    null,
    1,
    'x',
    [],
    {},
    [[]],
    [null],
    { coding: null },
    { coding: [null, 1, {}] },
    { text: 1 },
    { reference: {} },
    { start: [] },
  ]
  const keys =
    'code name title description type category subject encounter context period effectivePeriod onsetPeriod status text valueQuantity component contained content vaccineCode'.split(
      ' ',
    )
  for (const value of odd)
    for (const key of keys)
      for (const type of ['Observation', 'Patient', 'Nonsense', 'DocumentReference', 'Encounter', 'MedicationRequest'])
        expect(facts({ resourceType: type, [key]: value }).title.length).toBeGreaterThan(0)
  expect(facts(null).title).toBe('Unknown')
})

test('every generated resource has a title of its own words, and clinical ones a date', () => {
  for (const r of samplePatient('facts', { resources: 400, now: 1_767_225_600 })) {
    const f = facts(r)
    expect(f.codes.length).toBeLessThanOrEqual(MAX_CODES)
    if (
      ['Observation', 'Encounter', 'Condition', 'Immunization', 'Procedure', 'DiagnosticReport', 'MedicationRequest'].includes(
        r.resourceType,
      )
    )
      expect(f.dates.start, r.resourceType).toMatch(/^\d{4}-\d{2}-\d{2}/)
  }
})

test('a subject is found wherever FHIR puts it', () => {
  expect(subjectOf({ resourceType: 'Observation', subject: { reference: 'Patient/1' } })).toBe('Patient/1')
  expect(subjectOf({ resourceType: 'Immunization', patient: { identifier: { system: 's', value: 'v' } } })).toBe('s|v')
  expect(subjectOf({ resourceType: 'Patient', id: '7' })).toBe('Patient/7')
  expect(subjectOf({ resourceType: 'Organization' })).toBeNull()
})

test('two patients are the same, different, or unclear; never guessed', () => {
  const a = patientIdentity({
    name: [{ family: 'Müller', given: ['Anna', 'Eva'] }],
    birthDate: '1970-01-02',
    identifier: [{ system: 's', value: '1' }],
  })
  expect(comparePatients(a, patientIdentity({ name: [{ family: 'MULLER', given: ['eva'] }], birthDate: '1970-01' }))).toBe('same')
  expect(comparePatients(a, patientIdentity({ birthDate: '1971' }))).toBe('different')
  expect(comparePatients(a, patientIdentity({ identifier: [{ system: 's', value: '1' }] }))).toBe('same')
  expect(comparePatients(a, patientIdentity({}))).toBe('unclear')
})

corpusTest('facts of every resource in the corpora', ({ files }) => {
  let n = 0
  let dated = 0
  let nameless = 0
  for (const folder of FHIR_FOLDERS)
    for (const file of files(folder, '.json')) {
      let parsed: unknown
      try {
        parsed = parseJson(file.bytes)
      } catch {
        continue
      }
      for (const resource of resourcesOf(parsed)) {
        const f = facts(resource)
        n++
        expect(f.title.length).toBeGreaterThan(0)
        if (f.dates.start) dated++
        if (f.title.toLowerCase() === f.resourceType.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()) nameless++
        subjectOf(resource)
        patientIdentity(resource)
      }
    }
  console.info(`facts: ${n} resources, ${dated} with a date, ${nameless} with no better title than their type`)
  expect(n).toBeGreaterThan(6000)
  expect(nameless / n).toBeLessThan(0.1)
})
