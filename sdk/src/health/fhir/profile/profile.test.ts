import { describe, expect, test } from 'vitest'
import { corpusTest, parseJson } from '#health/corpora.kit'
import { loadChecker } from '#health/fhir/check'
import { definitions } from '#health/fhir/definitions.generated'
import { patientSummary } from '#health/fhir/ips/patient-summary'
import { isObject, type JsonObject, list } from '#health/fhir/read'
import { shapes } from '#health/fhir/shapes'
import { samplePatient } from '#sample/patient'
import { checkProfile, claimed, type ProfileOptions } from './check.ts'
import { compilePackage, openLibrary } from './library.ts'
import { loadLibrary } from './shipped.ts'

const shipped = await loadLibrary()
const index = shapes(definitions)

const URL = 'http://keepwell.example/StructureDefinition/p'
type Element = JsonObject & { readonly id: string }
const element = (id: string, more: JsonObject = {}): Element => ({ id, path: id.replace(/:\w+/g, ''), min: 0, max: '*', ...more })
const slicing = (type: string, path: string, rules = 'open'): JsonObject => ({ slicing: { discriminator: [{ type, path }], rules } })

/** A profile of a type, from the elements that it changes. */
function profileOf(type: string, elements: readonly Element[], more: readonly JsonObject[] = []) {
  const definition = {
    resourceType: 'StructureDefinition',
    derivation: 'constraint',
    url: URL,
    name: 'P',
    type,
    snapshot: { element: [element(type), ...elements] },
  }
  return openLibrary([compilePackage({ name: 'x', version: '1' }, [definition, ...more], index)], index)
}

/** The places where a resource breaks it. */
function broken(type: string, elements: readonly Element[], resource: JsonObject, options: ProfileOptions = {}): string[] {
  const library = profileOf(type, elements)
  return checkProfile({ resourceType: type, ...resource }, library.profile(URL)!, library, options).map(i => i.path)
}

const LOINC = 'http://loinc.org'
const concept = (code: string, system = LOINC): JsonObject => ({ coding: [{ system, code }] })

describe('what a profile asks', () => {
  test.each<[string, string, Element[], JsonObject, string[]]>([
    ['an element that must be there', 'Patient', [element('Patient.birthDate', { min: 1, max: '1' })], {}, ['Patient.birthDate']],
    ['one that may not', 'Patient', [element('Patient.photo', { max: '0' })], { photo: [{ url: 'x' }] }, ['Patient.photo']],
    ['a choice in any of its types', 'Observation', [element('Observation.value[x]', { min: 1, max: '1' })], { valueString: 'x' }, []],
    [
      'a choice in one type',
      'Observation',
      [element('Observation.value[x]', { max: '1', type: [{ code: 'Quantity' }] })],
      { valueString: 'x' },
      ['Observation.valueString'],
    ],
    [
      'a value that is fixed',
      'Observation',
      [element('Observation.status', { min: 1, max: '1', fixedCode: 'final' })],
      { status: 'amended' },
      ['Observation.status'],
    ],
    [
      'a pattern, whatever else is there',
      'Observation',
      [element('Observation.code', { min: 1, max: '1', patternCodeableConcept: concept('1') })],
      {
        code: {
          coding: [
            { system: LOINC, code: '0' },
            { system: LOINC, code: '1', display: 'x' },
          ],
        },
      },
      [],
    ],
    [
      'a pattern that is not kept',
      'Observation',
      [element('Observation.code', { min: 1, max: '1', patternCodeableConcept: concept('1') })],
      { code: concept('2') },
      ['Observation.code'],
    ],
    [
      'elements below others, in each of them',
      'Patient',
      [element('Patient.name'), element('Patient.name.family', { min: 1, max: '1' })],
      { name: [{ family: 'x' }, { text: 'y' }] },
      ['Patient.name[1].family'],
    ],
    [
      'a primitive that only an extension speaks for is there',
      'Patient',
      [element('Patient.birthDate', { min: 1, max: '1' })],
      { _birthDate: { extension: [{ url: 'u', valueCode: 'unknown' }] } },
      [],
    ],
    [
      'what a reference leads to',
      'Observation',
      [
        element('Observation.subject', {
          max: '1',
          type: [{ code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Patient'] }],
        }),
      ],
      { subject: { reference: 'Group/1' } },
      ['Observation.subject'],
    ],
    [
      'an invariant',
      'Patient',
      [
        element('Patient.name', {
          constraint: [{ key: 'x-1', severity: 'error', human: 'x', expression: 'family.exists() or text.exists()', source: URL }],
        }),
      ],
      { name: [{ given: ['x'] }] },
      ['Patient.name[0]'],
    ],
  ])('%s', (_, type, elements, resource, paths) => {
    expect(broken(type, elements, resource)).toEqual(paths)
  })

  test('a required value set, where it is known', () => {
    const elements = [
      element('Observation.code', { min: 1, max: '1', binding: { strength: 'required', valueSet: 'http://x.example/vs|1' } }),
    ]
    const contains = (verdict: boolean | null) => broken('Observation', elements, { code: concept('1') }, { contains: () => verdict })
    expect([contains(true), contains(null), contains(false)]).toEqual([[], [], ['Observation.code']])
    expect(broken('Observation', elements, { code: concept('1') })).toEqual([])
  })
})

describe('slices', () => {
  const byCode = [
    element('Observation.component', slicing('pattern', 'code')),
    element('Observation.component:sys', { min: 1, max: '1' }),
    element('Observation.component:sys.code', { min: 1, max: '1', patternCodeableConcept: concept('8480-6') }),
    element('Observation.component:sys.value[x]', { min: 1, max: '1' }),
  ]
  const systolic = { code: concept('8480-6'), valueQuantity: { value: 120 } }
  const byUrl = [
    element('Patient.extension', slicing('value', 'url')),
    element('Patient.extension:e', { min: 1, max: '1', type: [{ code: 'Extension', profile: ['http://x.example/e'] }] }),
  ]
  const byType = [
    element('Observation.value[x]', { max: '1', ...slicing('type', '$this', 'closed') }),
    element('Observation.value[x]:valueQuantity', { max: '1', type: [{ code: 'Quantity' }] }),
    element('Observation.value[x]:valueQuantity.code', { min: 1, max: '1' }),
  ]
  const byExistence = [
    element('Patient.telecom', slicing('exists', 'period')),
    element('Patient.telecom:old', { max: '1' }),
    element('Patient.telecom:old.period', { min: 1, max: '1' }),
    element('Patient.telecom:now', { min: 1 }),
    element('Patient.telecom:now.period', { max: '0' }),
  ]
  const entries = [
    element('Bundle.entry', slicing('type', 'resource', 'closed')),
    element('Bundle.entry:patient', { min: 1, max: '1' }),
    element('Bundle.entry:patient.resource', { min: 1, max: '1', type: [{ code: 'Patient' }] }),
  ]
  test.each<[string, string, Element[], JsonObject, string[]]>([
    ['by a pattern: there', 'Observation', byCode, { component: [{ code: concept('x') }, systolic] }, []],
    ['by a pattern: not there', 'Observation', byCode, { component: [{ code: concept('x') }] }, ['Observation.component']],
    ['by a pattern: twice', 'Observation', byCode, { component: [systolic, systolic] }, ['Observation.component']],
    [
      'by a pattern: their own rules',
      'Observation',
      byCode,
      { component: [{ code: concept('8480-6') }] },
      ['Observation.component[0].value'],
    ],
    ['of extensions by their profile', 'Patient', byUrl, { extension: [{ url: 'http://x.example/e', valueString: 'x' }] }, []],
    ['of extensions: not there', 'Patient', byUrl, { extension: [{ url: 'http://x.example/f', valueString: 'x' }] }, ['Patient.extension']],
    ['by type: their own rules', 'Observation', byType, { valueQuantity: { value: 1 } }, ['Observation.valueQuantity.code']],
    ['by type: closed to others', 'Observation', byType, { valueString: 'x' }, ['Observation.valueString']],
    ['by existence', 'Patient', byExistence, { telecom: [{ value: 'x' }, { value: 'y', period: { end: '2020' } }] }, []],
    ['by existence: too few', 'Patient', byExistence, { telecom: [{ value: 'y', period: { end: '2020' } }] }, ['Patient.telecom']],
    ['of a Bundle by type', 'Bundle', entries, { entry: [{ resource: { resourceType: 'Patient' } }] }, []],
    [
      'of a Bundle: not there, and closed',
      'Bundle',
      entries,
      { entry: [{ resource: { resourceType: 'Group' } }] },
      ['Bundle.entry', 'Bundle.entry[0]'],
    ],
  ])('%s', (_, type, elements, resource, paths) => {
    expect(broken(type, elements, resource)).toEqual(paths)
  })

  test('by the profile of what a reference leads to; what is not at hand is not judged', () => {
    const patient = 'http://hl7.org/fhir/StructureDefinition/Patient'
    const elements = [
      element('List.entry'),
      element('List.entry.item', { min: 1, max: '1', ...slicing('profile', 'resolve()') }),
      element('List.entry.item:p', { min: 1, max: '1', type: [{ code: 'Reference', targetProfile: [patient] }] }),
    ]
    const item = (reference: string): JsonObject => ({
      contained: [
        { resourceType: 'Patient', id: 'p' },
        { resourceType: 'Group', id: 'g' },
      ],
      entry: [{ item: { reference } }],
    })
    expect(broken('List', elements, item('#p'))).toEqual([])
    expect(broken('List', elements, item('#g'))).toContain('List.entry[0].item')
    expect(broken('List', elements, item('Patient/1'))).toEqual([])
    expect(broken('List', elements, item('http://elsewhere.example/x'))).toEqual([])
  })
})

test('versions of a profile are told apart; without one the newest counts', () => {
  const version = (v: string): JsonObject => ({
    resourceType: 'StructureDefinition',
    derivation: 'constraint',
    url: URL,
    name: v,
    version: v,
    type: 'Patient',
    snapshot: { element: [element('Patient')] },
  })
  const library = openLibrary([compilePackage({ name: 'x', version: '' }, ['9.0.0', '10.0.0', '3.1.1'].map(version), index)], index)
  expect(['', '|3.1.1', '|4.0.0'].map(v => library.profile(URL + v)?.version ?? null)).toEqual(['10.0.0', '3.1.1', null])
})

test('no issue holds a value of the resource, and no input makes it throw', () => {
  const secret = 'Zebedee-Quux-1972'
  const values: unknown[] = [
    secret,
    7,
    null,
    [],
    {},
    [null],
    [[secret]],
    { [secret]: secret },
    { coding: secret },
    [{ code: { coding: [secret] } }],
    { reference: secret },
  ]
  for (const type of ['Patient', 'Observation', 'Bundle', 'Composition', 'AllergyIntolerance'])
    for (const profile of shipped.of(type))
      for (const key of ['name', 'code', 'category', 'component', 'entry', 'section', 'subject', 'extension', 'value', 'contained', secret])
        for (const value of values) {
          const issues = checkProfile({ resourceType: type, [key]: value } as JsonObject, profile, shipped)
          expect(JSON.stringify(issues)).not.toContain('Zebedee')
        }
})

test('the summaries that we make keep the profiles that they claim', () => {
  const resources = [...samplePatient('profiles', { resources: 400, now: 1_767_225_600 })] as unknown as JsonObject[]
  const summary = patientSummary(resources, {
    patient: resources.find(r => r.resourceType === 'Patient')!,
    author: { resourceType: 'Organization', id: 'o', name: 'A clinic' },
    at: '2026-01-01T00:00:00Z',
    urlOf: r => `https://x.example/fhir/${String(r.resourceType)}/${String(r.id)}`,
  })
  const claims = [...within(summary)].flatMap(([r, bundle]) => claimed(r).map(c => [r, c, bundle] as const))
  expect(claims.length).toBeGreaterThan(20)
  for (const [resource, canonical, bundle] of claims) {
    const profile = shipped.profile(canonical)
    expect([canonical, profile && checkProfile(resource, profile, shipped, {}, bundle)]).toEqual([canonical, []])
  }
})

/** Every resource of a file with the Bundle around it. */
function* within(value: unknown): Generator<readonly [resource: JsonObject, bundle: JsonObject | null]> {
  if (!isObject(value)) return
  yield [value, null]
  if (value.resourceType === 'Bundle') for (const e of list(value.entry)) if (isObject(e) && isObject(e.resource)) yield [e.resource, value]
}

corpusTest('claims of US Core and of the International Patient Summary, in what others made', async ({ files }) => {
  const check = await loadChecker()
  const told: string[] = []
  for (const [folder, most] of [
    // Claims of 2021 without a version, judged by the release of 2023.
    ['fhir/synthea-us-core', 0.03],
    ['fhir/us-core-examples', 0],
    ['ips', 0.03],
  ] as const) {
    let [claims, known, breaches, alone] = [0, 0, 0, 0]
    for (const file of files(folder, '.json'))
      for (const [resource, bundle] of within(parseJson(file.bytes))) {
        for (const canonical of claimed(resource)) {
          claims++
          const profile = shipped.profile(canonical)
          if (!profile) continue
          known++
          const found = checkProfile(resource, profile, shipped, {}, bundle)
          if (found.length) breaches++
          if (found.length && !check(resource).some(i => i.severity === 'error')) alone++
        }
      }
    told.push(`${folder}: ${claims} claims, ${known} known here, ${breaches} broken (${alone} of them in resources that are valid R4)`)
    expect(alone / Math.max(1, known)).toBeLessThanOrEqual(most)
  }
  for (const line of told) console.info(`profiles, ${line}`)
})
