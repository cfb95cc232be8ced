import { expect, test } from 'vitest'
import { absenceOf } from './absent.ts'
import { detailsOf } from './details.ts'
import { personFacts } from './person-facts.ts'

test('a person and whom to call, from several sources', () => {
  const facts = personFacts([
    {
      resourceType: 'Patient',
      name: [{ family: 'Example', given: ['Ada'] }],
      birthDate: '1950-02-03',
      telecom: [
        { system: 'phone', value: '1', use: 'old' },
        { system: 'phone', value: '2', use: 'home' },
        { system: 'phone', value: '3', use: 'mobile' },
      ],
      address: [{ line: ['Way 1'], postalCode: '10115', city: 'Berlin' }],
      communication: [{ language: { text: 'German' } }, { language: { text: 'Sorbian' }, preferred: true }],
      contact: [{ name: { text: 'Bo Example' }, relationship: [{ coding: [{ code: 'C' }] }], telecom: { system: 'phone', value: '9' } }],
    },
    { resourceType: 'Patient', birthDate: '1950', gender: 'female' },
    {
      resourceType: 'RelatedPerson',
      name: [{ text: 'bo example' }],
      relationship: [{ text: 'Brother' }],
      telecom: [{ system: 'email', value: 'b@x' }],
    },
  ])
  expect(facts).toMatchObject({
    name: 'Ada Example',
    birthDate: '1950-02-03',
    gender: 'female',
    phone: '3',
    address: 'Way 1, 10115 Berlin',
    language: 'Sorbian',
    contacts: [{ name: 'Bo Example', relation: 'Code C', phone: '9', email: 'b@x' }],
  })
})

test('what is of another shape is left out, not thrown at', () => {
  const odd = { resourceType: 'Patient', name: 7, telecom: 'x', address: [null], contact: [{}, 'x', null], communication: {} }
  expect(personFacts([odd, null, 3])).toEqual({ contacts: [] })
  expect(detailsOf({ reaction: [{ manifestation: 'x' }, 3], dosage: 'x', performer: 7 })).toEqual({})
})

test('details: dose, danger, reactions once, reason, and who says so', () => {
  expect(
    detailsOf({
      dosageInstruction: [{ text: 'One a day' }],
      criticality: 'high',
      reaction: [{ manifestation: [{ text: 'Hives' }] }, { manifestation: [{ text: 'Hives' }] }],
      reasonReference: [{ display: 'Hypertension' }],
      performer: [{ actor: { display: 'Dr. Rivera' } }],
    }),
  ).toEqual({ dosage: [{ text: 'One a day' }], criticality: 'high', reactions: ['Hives'], reason: 'Hypertension', by: 'Dr. Rivera' })
})

test('no known allergies is no allergy, and not knowing is neither', () => {
  const ips = 'http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips'
  expect(absenceOf([{ system: 'http://snomed.info/sct', code: '716186003' }])).toBe('none')
  expect(absenceOf([{ system: ips, code: 'no-known-allergies' }])).toBe('none')
  expect(absenceOf([{ system: ips, code: 'no-allergy-info' }])).toBe('unknown')
  expect(absenceOf([{ system: 'http://snomed.info/sct', code: '91935009' }])).toBe(null)
})
