import { expect, test } from 'vitest'
import { corpusTest, FHIR_FOLDERS, parseJson, resourcesOf } from '#health/corpora.kit'
import { codings, conceptText, field, isObject, list, string } from '#health/fhir/read'
import { loadNames, readable, withNames } from './names.ts'

const nameOf = await loadNames()

test('HL7’s own codes have names, what others say stays, and nothing is copied where nothing is missing', () => {
  const status = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] }
  const code = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'resolved', display: 'Geheilt' }] }
  const named = withNames({ resourceType: 'Condition', clinicalStatus: status, code }, nameOf)
  expect(codings(named.clinicalStatus)[0]?.display).toBe('Active')
  expect(named.code).toBe(code)
  const whole = { resourceType: 'Condition', code }
  expect(withNames(whole, nameOf)).toBe(whole)
  expect(status.coding[0]).not.toHaveProperty('display')
})

test('a quantity’s unit and an own property of every object are no codings', () => {
  const q = {
    resourceType: 'Observation',
    valueQuantity: { value: 1, system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' },
  }
  expect(withNames(q, nameOf)).toBe(q)
  expect(nameOf('constructor', 'x')).toBeUndefined()
})

test('a code that has no name is said to be a code, of which list, and never an address; where one has a name the others are left', () => {
  const coding = (system: string, code: string, display?: string) => ({ system, code, ...(display ? { display } : {}) })
  const shown = readable(
    {
      resourceType: 'Condition',
      code: { coding: [coding('http://hl7.org/fhir/sid/ndc', '47682-0175')] },
      bodySite: [{ coding: [coding('http://x.example/fhir/CodeSystem/BRCIAP2', 'A98'), coding('urn:x', 'Z', 'Whole body')] }],
      category: [{ coding: [coding('http://x.example/fhir/CodeSystem/plans', 'follow-up-plan')] }],
      extension: [{ url: 'u', valueCoding: coding('urn:oid:1.2.3', '7') }],
      language: { coding: [coding('urn:ietf:bcp:47', 'en-NZ')] },
    },
    nameOf,
  )
  expect(field(shown.code, 'text')).toBe('Code 47682-0175 (NDC)')
  expect(shown.bodySite).toEqual([
    { coding: [coding('http://x.example/fhir/CodeSystem/BRCIAP2', 'A98'), coding('urn:x', 'Z', 'Whole body')] },
  ])
  expect(field(list(shown.category)[0], 'text')).toBe('follow up plan')
  expect(shown.extension).toEqual([{ url: 'u', valueCoding: coding('urn:oid:1.2.3', '7', 'Code 7') }])
  expect(codings(shown.language)[0]?.display).toBe('English (New Zealand)')
  expect(conceptText({ coding: [coding('http://loinc.org', '99999-9')] })).toBe('Code 99999-9 (LOINC)')
  expect(nameOf('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'AMB')).toBe('ambulatory')
  expect(nameOf('urn:ietf:bcp:47', 'no such tag')).toBeUndefined()
})

/** Concepts by whether a person has anything to read. */
function concepts(value: unknown, out: unknown[] = []): unknown[] {
  if (Array.isArray(value)) for (const item of value) concepts(item, out)
  else if (isObject(value)) {
    if (Array.isArray(value.coding)) out.push(value)
    for (const key of Object.keys(value)) concepts(value[key], out)
  }
  return out
}
const nameless = (c: unknown): boolean => !string(field(c, 'text')) && !list(field(c, 'coding')).some(x => string(field(x, 'display')))

corpusTest('coded fields of the corpora have names, but for what no free table names', corpora => {
  for (const folder of FHIR_FOLDERS.filter(f => f !== 'fhir/validator-cases')) {
    let all = 0
    let before = 0
    let after = 0
    let mute = 0
    for (const file of corpora.files(folder, '.json'))
      for (const resource of resourcesOf(parseJson(file.bytes))) {
        const found = concepts(resource)
        all += found.length
        before += found.filter(nameless).length
        after += concepts(withNames(resource, nameOf)).filter(nameless).length
        mute += concepts(readable(resource, nameOf)).filter(c => nameless(c) && codings(c).length > 0).length
      }
    console.info(`${folder}: ${all} concepts, ${before} without a name as they came, ${after} now`)
    expect(mute).toBe(0)
    expect(after / all).toBeLessThan(folder.includes('synthea') ? 0.001 : 0.05)
  }
})
