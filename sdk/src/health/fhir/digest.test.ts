import { describe, expect, test } from 'vitest'
import { corpusTest, FHIR_FOLDERS, parseJson, resourcesOf } from '#health/corpora.kit'
import { packDigest, readDigest } from '#records/digest'
import { sampleBundle } from '#sample/bundle'
import { digestOf, MAX_TEXT } from './digest.ts'

const LOINC = 'http://loinc.org'
const UCUM = 'http://unitsofmeasure.org'
const observation = (more: object) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: LOINC, code: '2345-7', display: 'Glucose' }], text: 'Blood sugar' },
  ...more,
})
const measured = (more: object) => digestOf(observation(more)).measures[0]
const words = (resource: object) => digestOf(resource).text

describe('measures', () => {
  test('a value stands with its codes, unit, range and flag', () => {
    const range = { low: { value: 70, unit: 'mg/dL', system: UCUM, code: 'mg/dL' }, high: { value: 99.5, unit: 'mg/dL' } }
    const interpretation = [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation', code: 'H' }] }]
    const valueQuantity = { value: 121.5, unit: 'mg/dl', system: UCUM, code: 'mg/dL', comparator: '>' }
    expect(measured({ valueQuantity, referenceRange: [range], interpretation })).toEqual({
      codes: [{ system: LOINC, code: '2345-7', display: 'Glucose' }],
      name: 'Blood sugar',
      value: '121.5',
      comparator: '>',
      unit: 'mg/dl',
      ucum: 'mg/dL',
      low: '70',
      high: '99.5',
      flag: 'H',
    })
  })

  test('of several ranges the normal one counts, then the one for everybody', () => {
    const range = (low: number, more: object = {}) => ({ low: { value: low }, ...more })
    const therapeutic = range(1, { type: { coding: [{ code: 'therapeutic' }] } })
    const normal = range(2, { type: { coding: [{ code: 'normal' }] }, appliesTo: [{ text: 'women' }] })
    const children = range(3, { age: { high: { value: 12 } } })
    const valueQuantity = { value: 5 }
    expect(measured({ valueQuantity, referenceRange: [therapeutic, children, normal] })?.low).toBe('2')
    expect(measured({ valueQuantity, referenceRange: [therapeutic, children, range(4)] })?.low).toBe('4')
  })

  test('ranges and values that laboratories write as text are numbers all the same', () => {
    const told = (text: string) => {
      const m = measured({ valueQuantity: { value: 5 }, referenceRange: [{ text }] })
      return [m?.low, m?.high]
    }
    expect([told('3.5 - 5,1'), told('< 200'), told('>=60'), told('see note')]).toEqual([
      ['3.5', '5.1'],
      [undefined, '200'],
      ['60', undefined],
      [undefined, undefined],
    ])
    expect(measured({ valueString: '<0,01 ng/mL' })).toMatchObject({ value: '0.01', comparator: '<', unit: 'ng/mL' })
    expect(measured({ valueString: 'no growth after 48 h' })).toMatchObject({ text: 'no growth after 48 h' })
    expect(measured({ valueString: '1:80' })).toMatchObject({ text: '1:80' })
    expect(measured({ valueQuantity: { value: '7.40' } })?.value).toBe('7.40')
  })

  test('components are measures of their own; what has no value is none', () => {
    const part = (code: string, value: number) => ({ code: { coding: [{ system: LOINC, code }], text: code }, valueQuantity: { value } })
    const both = digestOf(observation({ component: [part('8480-6', 126), part('8462-4', 78), { code: { text: 'empty' } }] }))
    expect(both.measures.map(m => [m.name, m.value])).toEqual([
      ['8480-6', '126'],
      ['8462-4', '78'],
    ])
    expect(digestOf(observation({ dataAbsentReason: { text: 'unknown' } })).measures).toEqual([])
  })

  test('coded results keep their words', () => {
    const valueCodeableConcept = { coding: [{ code: '10828004', display: 'Positive' }] }
    expect(measured({ valueCodeableConcept, interpretation: [{ text: 'Abnormal' }] })).toMatchObject({ text: 'Positive', flag: 'A' })
  })
})

describe('words', () => {
  test('notes, conclusions, performers, dosages and attached texts can be found; addresses and storage cannot', () => {
    const data = btoa('Patient reports a cough.\n\nPlan: chest film.')
    const text = words({
      resourceType: 'DiagnosticReport',
      id: 'secret-id',
      meta: { profile: ['http://profile.example'] },
      status: 'final',
      text: { div: '<div xmlns="http://www.w3.org/1999/xhtml"><p>Report of <b>Dr. Okafor</b> &amp; team</p><script>evil()</script></div>' },
      code: { text: 'Chest film' },
      performer: [{ reference: 'Practitioner/1', display: 'Dr. Okafor' }],
      conclusion: 'No infiltrate.',
      note: [{ text: 'Compared with 2019.' }],
      issued: '2024-03-01T10:00:00Z',
      dosageInstruction: [{ text: 'One at night' }],
      presentedForm: [{ contentType: 'text/plain', data }],
      identifier: [{ value: 'ACC-1234' }],
      valueQuantity: { value: 5.4, unit: 'mg' },
    })
    for (const found of [
      'Chest film',
      'Dr. Okafor',
      'No infiltrate.',
      '2019',
      'One at night',
      'a cough',
      'Plan',
      'ACC-1234',
      '5.4 mg',
      'team',
    ])
      expect(text).toContain(found)
    for (const left of ['secret-id', 'profile.example', 'Practitioner/1', '2024-03', 'evil', data, '<b>', 'final'])
      expect(text).not.toContain(left)
  })

  test('a narrative that repeats what was said is not said again', () => {
    const div = '<div xmlns="http://www.w3.org/1999/xhtml">Asthma</div>'
    expect(words({ resourceType: 'Condition', code: { text: 'Asthma' }, text: { div } })).toBe('Asthma')
  })

  test('the text is bounded', () => {
    const note = Array.from({ length: 500 }, (_, i) => ({ text: `A sentence of some length, number ${i}.` }))
    expect(words({ resourceType: 'Condition', note }).length).toBeLessThanOrEqual(MAX_TEXT)
  })
})

test('a summary finds whom to call, implants and dosages', () => {
  const contact = [{ name: { text: 'Kim Example' }, relationship: [{ text: 'Wife' }], telecom: [{ value: '+49 30 1' }] }]
  expect(digestOf({ resourceType: 'Patient', contact }).particulars).toEqual([{ name: 'contact', text: 'Kim Example, Wife, +49 30 1' }])
  const udiCarrier = [{ carrierHRF: '(01)00844588003288' }]
  expect(digestOf({ resourceType: 'Device', udiCarrier }).particulars).toEqual([{ name: 'udi', text: '(01)00844588003288' }])
  const dosageInstruction = [{ text: 'One tablet a day' }]
  expect(digestOf({ resourceType: 'MedicationRequest', dosageInstruction }).particulars[0]?.text).toBe('One tablet a day')
})

test('anything gives a digest that the catalog keeps and gives back', () => {
  const odd: unknown[] = [null, 7, 'x', [], {}, { resourceType: 'Observation' }]
  odd.push({ resourceType: 'Observation', code: 5, component: 'x', referenceRange: { low: 3 }, valueQuantity: [], interpretation: {} })
  odd.push({ resourceType: 'Observation', code: { text: 'x\ud800' }, valueString: '\ud800', text: { div: '<div><p' } })
  odd.push({ resourceType: 'Patient', contact: [null, { name: 'Kim' }], name: [[]] }, { resourceType: 'constructor' })
  for (const { resource } of sampleBundle('digest', { resources: 200, now: 1_790_000_000 }).entry as { resource: unknown }[])
    odd.push(resource)
  for (const x of odd) expect(readDigest({ digest: packDigest(digestOf(x)) })).toEqual(digestOf(x))
})

corpusTest('real resources of every kind give digests', ({ files }) => {
  const counts = {
    files: 0,
    resources: 0,
    withText: 0,
    characters: 0,
    measures: 0,
    numbers: 0,
    ranges: 0,
    units: 0,
    particulars: 0,
    bytes: 0,
  }
  const started = performance.now()
  let spent = 0
  for (const { bytes } of FHIR_FOLDERS.flatMap(f => files(f, '.json'))) {
    let parsed: unknown
    try {
      parsed = parseJson(bytes)
    } catch {
      continue
    }
    counts.files++
    for (const resource of resourcesOf(parsed)) {
      const before = performance.now()
      const d = digestOf(resource)
      const packed = packDigest(d)
      spent += performance.now() - before
      expect(readDigest({ digest: packed })).toEqual(d)
      counts.resources++
      counts.withText += d.text ? 1 : 0
      counts.characters += d.text.length
      counts.measures += d.measures.length
      counts.numbers += d.measures.filter(m => m.value !== undefined).length
      counts.units += d.measures.filter(m => m.ucum).length
      counts.ranges += d.measures.filter(m => m.low ?? m.high).length
      counts.particulars += d.particulars.length
      counts.bytes += packed.text.length + packed.rest.length
    }
  }
  expect(counts.resources).toBeGreaterThan(1000)
  expect(counts.measures).toBeGreaterThan(1000)
  const each = (1000 * spent) / counts.resources
  console.log(
    `digests: ${JSON.stringify(counts)}, ${each.toFixed(0)} µs each, all in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  )
})
