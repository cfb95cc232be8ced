import { describe, expect, test } from 'vitest'
import { COMPARTMENTS } from '#base/compartments'
import { samplePatient } from '#sample/patient'
import { corpusTest, FHIR_FOLDERS, parseJson, resourcesOf } from './corpora.kit.ts'
import { COMPARTMENT_SYSTEM, file } from './filing.ts'
import { LOINC, SENSITIVE, SNOMED } from './filing-codes.ts'

const coded = (system: string, code: string, display?: string): unknown => ({ coding: [{ system, code, ...(display ? { display } : {}) }] })
const condition = (system: string, code: string): unknown => ({ resourceType: 'Condition', code: coded(system, code) })
const icd = 'http://hl7.org/fhir/sid/icd-10-cm'
const place = (r: unknown): string => file(r).compartment

describe('sensitive beats general', () => {
  test.each([
    ['F32.9', 'mental-health'],
    ['F10.20', 'substance-use'],
    ['F17.210', 'general'],
    ['B20', 'sexual-health'],
    ['A51.0', 'sexual-health'],
    ['O04.5', 'sexual-health'],
    ['O80', 'general'],
    ['Q90.9', 'genomics'],
    ['Z15.01', 'genomics'],
    ['I10', 'general'],
    ['E11.9', 'general'],
    ['F64.0', 'sexual-health'],
    ['G30.9', 'mental-health'],
    ['K70.30', 'substance-use'],
  ])('ICD-10 %s goes to %s', (code, compartment) => {
    expect(place(condition(icd, code))).toBe(compartment)
  })
  test('the reason of an encounter, a medication or a bill counts as much as the code', () => {
    expect(place({ resourceType: 'Encounter', reasonCode: [coded(icd, 'F32.9')] })).toBe('mental-health')
    expect(
      place({
        resourceType: 'MedicationRequest',
        medicationCodeableConcept: coded('http://www.nlm.nih.gov/research/umls/rxnorm', '1', 'sertraline 50 MG Oral Tablet'),
      }),
    ).toBe('mental-health')
    expect(place({ resourceType: 'Claim', diagnosis: [{ diagnosisCodeableConcept: coded(icd, 'B20') }] })).toBe('sexual-health')
    expect(place({ resourceType: 'MedicationStatement', medicationCodeableConcept: coded('http://www.whocc.no/atc', 'N07BC02') })).toBe(
      'substance-use',
    )
    expect(place({ resourceType: 'Observation', category: [coded('x', 'laboratory')], code: coded('http://loinc.org', '56888-1') })).toBe(
      'sexual-health',
    )
    expect(place({ resourceType: 'Condition', contained: [condition(icd, 'F32')] })).toBe('mental-health')
  })
  test('of two kinds the one under the stricter law decides', () => {
    expect(
      place({
        resourceType: 'Condition',
        code: {
          coding: [
            { system: icd, code: 'F32' },
            { system: icd, code: 'F11.2' },
          ],
        },
      }),
    ).toBe('substance-use')
  })
})

describe('the label of the author beats the table', () => {
  const labelled = (code: string): unknown => ({
    resourceType: 'Condition',
    meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code }] },
    code: coded(icd, 'I10'),
  })
  test.each([
    ['HIV', 'sexual-health'],
    ['STD', 'sexual-health'],
    ['SEX', 'sexual-health'],
    ['PSY', 'mental-health'],
    ['ETH', 'substance-use'],
    ['SUD', 'substance-use'],
    ['GDIS', 'genomics'],
  ])('%s', (code, compartment) => {
    expect(file(labelled(code))).toEqual({ compartment, rule: `label:${code}`, placed: true })
  })
  test('a label that names the compartment itself wins over all', () => {
    expect(
      place({ resourceType: 'Condition', meta: { tag: [{ system: COMPARTMENT_SYSTEM, code: 'general' }] }, code: coded(icd, 'F32') }),
    ).toBe('general')
  })
})

test('ordinary records go by type and category', () => {
  expect(place({ resourceType: 'MedicationRequest' })).toBe('medications')
  expect(place({ resourceType: 'ImagingStudy' })).toBe('imaging')
  expect(place({ resourceType: 'AllergyIntolerance' })).toBe('general')
  expect(place({ resourceType: 'Observation', category: [coded('x', 'laboratory')] })).toBe('laboratory')
  expect(place({ resourceType: 'Observation', category: [coded('x', 'vital-signs')] })).toBe('general')
  expect(place({ resourceType: 'Observation', code: coded('http://loinc.org', '882-1') })).toBe('laboratory')
  expect(place({ resourceType: 'Observation', meta: { source: 'urn:apple health' } })).toBe('wearables')
  expect(place({ resourceType: 'DiagnosticReport', category: [coded('x', 'RAD')] })).toBe('imaging')
  expect(place({ kind: 'dicom' })).toBe('imaging')
  expect(place({ kind: 'vcf' })).toBe('genomics')
  expect(place({ kind: 'apple-health' })).toBe('wearables')
  expect(place({ kind: 'hl7v2', messageType: 'ORU^R01' })).toBe('laboratory')
  expect(place({ kind: 'pdf', title: 'Psychiatric assessment 2020' })).toBe('mental-health')
})
test('what no rule knows is general and says so; nothing throws', () => {
  for (const odd of [
    null,
    1,
    'x',
    [],
    {},
    { resourceType: 'Nope' },
    { kind: 'pdf' },
    { resourceType: 'Observation', category: 5, code: [] },
  ])
    expect(file(odd)).toEqual({ compartment: 'general', rule: 'default', placed: false })
})
test('every code in the lists has a right check digit', () => {
  const loincDigit = (body: string): number => {
    const from = [...body].toReversed()
    const doubled = String(
      Number(
        from
          .filter((_, i) => i % 2 === 0)
          .toReversed()
          .join(''),
      ) * 2,
    )
    const sum = [...doubled, ...from.filter((_, i) => i % 2 === 1)].reduce((a, d) => a + Number(d), 0)
    return (10 - (sum % 10)) % 10
  }
  // Verhoeff, as SNOMED CT identifiers use it (D5 group and permutation).
  const d5 = (a: number, b: number): number =>
    a < 5 ? (b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5)) : b < 5 ? 5 + ((a - b + 5) % 5) : (a - b + 5) % 5
  const p = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]
  const permuted = (digit: number, times: number): number => (times === 0 ? digit : permuted(p[digit]!, times - 1))
  const verhoeff = (code: string): boolean => [...code].toReversed().reduce((c, digit, i) => d5(c, permuted(Number(digit), i % 8)), 0) === 0
  for (const compartment of SENSITIVE) {
    for (const code of LOINC[compartment]) expect(`${code.split('-')[0]}-${loincDigit(code.split('-')[0]!)}`).toBe(code)
    for (const code of SNOMED[compartment]) expect(verhoeff(code), code).toBe(true)
  }
})
test('a generated life of 120 resources fills every compartment and leaves nothing unplaced', () => {
  for (const seed of ['a', 'b', 'c']) {
    const filings = [...samplePatient(seed, { resources: 120, now: 1_767_225_600 })].map(file)
    expect(new Set(filings.map(f => f.compartment))).toEqual(new Set(COMPARTMENTS))
    expect(filings.every(f => f.placed)).toBe(true)
  }
})
corpusTest('the share of the corpora that the table cannot place', ({ files }) => {
  const counts: Record<string, number> = {}
  const unplaced: Record<string, number> = {}
  let n = 0
  for (const folder of FHIR_FOLDERS.filter(f => f !== 'fhir/validator-cases'))
    for (const f of files(folder, '.json'))
      for (const resource of resourcesOf(parseJson(f.bytes))) {
        const filing = file(resource)
        n++
        counts[filing.compartment] = (counts[filing.compartment] ?? 0) + 1
        if (!filing.placed) unplaced[String(resource.resourceType)] = (unplaced[String(resource.resourceType)] ?? 0) + 1
      }
  const lost = Object.values(unplaced).reduce((a, b) => a + b, 0)
  console.info(
    `filing: ${n} resources, ${lost} not placed (${((lost / n) * 100).toFixed(2)} %): ${JSON.stringify(unplaced)}; ${JSON.stringify(counts)}`,
  )
  expect(n).toBeGreaterThan(6000)
  expect(lost / n).toBeLessThan(0.01)
})
