import { describe, expect, test } from 'vitest'
import { corpusTest, FHIR_FOLDERS, parseJson, resourcesOf } from '#health/corpora.kit'
import { definitions } from '#health/fhir/definitions.generated'
import { shapes } from '#health/fhir/shapes'
import { samplePatient } from '#sample/patient'
import { compile, pathText, readPath } from './compile.ts'
import { officialParameters, type Resource, valuesOf } from './naive.kit.ts'
import { r4 } from './r4.ts'
import { READS } from './reads.ts'
import { walkerOf } from './walk.ts'

const index = shapes(definitions)
const texts = (expression: string, type: string): string[] | null => compile(expression, type, index)?.map(pathText) ?? null

describe('the subset of FHIRPath', () => {
  test.each([
    ['Patient.name | Practitioner.name', 'Patient', ['name|HumanName']],
    ['(Observation.value as Quantity)', 'Observation', ['valueQuantity|Quantity']],
    ['(Observation.value.ofType(CodeableConcept)).text', 'Observation', ['valueCodeableConcept text|string']],
    ["Patient.telecom.where(system='phone')", 'Patient', ['telecom?system=phone|ContactPoint']],
    ['Encounter.subject.where(resolve() is Patient)', 'Encounter', ['subject|Reference||Patient']],
    ["Patient.extension('urn:x').value.as(string)", 'Patient', ['extension?url=urn:x valueString|string']],
    ['Bundle.entry[0].fullUrl', 'Bundle', ['entry#0 fullUrl|uri']],
    ['Patient.deceased.exists() and Patient.deceased != false', 'Patient', ['deceasedBoolean deceasedDateTime|Flag']],
    ['Patient.gender', 'Patient', ['gender|code|http://hl7.org/fhir/administrative-gender']],
    ['Practitioner.name', 'Patient', []],
  ])('%s', (expression, type, expected) => {
    expect(texts(expression, type)).toEqual(expected)
    expect(compile(expression, type, index)!.map(p => readPath(pathText(p)))).toEqual(compile(expression, type, index))
  })

  test.each([
    'Patient.name.count() > 1',
    'Patient.name.where(use)',
    'Patient.name and',
    "Patient.name.where(use = 'a' or true)",
    'Patient..name',
    '"',
  ])('what lies outside says so: %s', expression => expect(compile(expression, 'Patient', index)).toBeNull())
})

/** As Medplum resolves: by the text of a literal reference. */
const leadsTo = (value: unknown, types: readonly string[]): boolean => {
  const { reference } = value as { reference?: unknown }
  return typeof reference === 'string' && types.includes(reference.split(/[/?]/)[0]!)
}

/** Counts values of the parameters that FHIRPath and the compiled paths see differently. */
function differences(resource: Resource, into: Map<string, number>): number {
  let compared = 0
  for (const parameter of officialParameters(resource.resourceType)) {
    const own = r4.of(resource.resourceType).get(parameter.code)
    if (!own || own.type === 'composite' || own.url.includes('us/core')) continue
    const mine: unknown[] = []
    for (const path of own.paths) walkerOf(path)(resource, resource, value => (!path.is || leadsTo(value, path.is)) && mine.push(value))
    const types = READS[own.type]
    // Medplum takes `subscriberId` for a form of `subscriber`.
    // Once Medplum knows a type, it gives elements that have an extension in place of their value.
    const hollow = (v: { type: string; value: unknown }): boolean => /^[a-z]/.test(v.type) && v.value?.constructor === Object
    const official = valuesOf(resource, parameter).filter(
      v =>
        !hollow(v) &&
        (types.has(v.type) || !/^[A-Z]/.test(v.type) || v.type === 'BackboneElement') &&
        !(own.type === 'reference' && v.type === 'id'),
    )
    compared += official.length
    // A union in FHIRPath has no duplicates, and Medplum takes very small numbers for the same.
    const apart = (v: unknown): boolean => Math.abs((v as { value?: number } | null)?.value ?? 1) > 1e-8
    const texts = (list: unknown[]): string => [...new Set(list.filter(apart).map(v => JSON.stringify(v)))].toSorted().join('\n')
    if (texts(mine) !== texts(official.map(v => v.value)))
      into.set(`${resource.resourceType}.${parameter.code}`, (into.get(`${resource.resourceType}.${parameter.code}`) ?? 0) + 1)
  }
  return compared
}

test('compiled paths find what FHIRPath finds in sample patients', () => {
  const into = new Map<string, number>()
  let compared = 0
  for (const resource of samplePatient('paths', { resources: 300, now: 1_780_000_000 })) compared += differences(resource, into)
  expect([...into]).toEqual([])
  expect(compared).toBeGreaterThan(2000)
})

corpusTest('compiled paths find what FHIRPath finds in resources that others wrote', ({ files }) => {
  const into = new Map<string, number>()
  let [resources, compared] = [0, 0]
  for (const folder of FHIR_FOLDERS.filter(f => f !== 'fhir/validator-cases'))
    for (const file of files(folder, '.json').slice(0, 40))
      for (const resource of [...resourcesOf(parseJson(file.bytes))].slice(0, 60)) {
        if (!r4.isType(resource.resourceType as string)) continue
        resources++
        compared += differences(resource as Resource, into)
      }
  console.log(`search paths: ${resources} resources, ${compared} values compared`)
  expect([...into]).toEqual([])
  expect(compared).toBeGreaterThan(10_000)
})
