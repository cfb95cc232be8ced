import { expect, test } from 'vitest'
import { facts } from '#health/fhir/facts'
import { samplePatient } from '#sample/patient'
import { milestoneOf } from './milestones.ts'

const of = (resourceType: string, title: string, status = 'completed') => milestoneOf({ resourceType, title, status, codes: [] })

test.each([
  ['Immunization', 'Tetanus', 'completed', 'Vaccination'],
  ['Immunization', 'Tetanus', 'not-done', null],
  ['Procedure', 'Appendectomy', 'completed', 'MajorProcedure'],
  ['Procedure', 'Appendectomy', 'preparation', null],
  ['Procedure', 'Kaiserschnitt', 'completed', 'MajorProcedure'],
  ['Procedure', 'Screening colonoscopy', 'completed', 'PreventiveCare'],
  ['Procedure', 'Throat culture', 'completed', null],
  ['Procedure', 'Measurement of respiratory function', 'completed', null],
  ['Encounter', 'General examination of patient', 'finished', 'PreventiveCare'],
  ['Encounter', 'Encounter for symptom', 'finished', null],
  ['DiagnosticReport', 'Mammography', 'final', 'PreventiveCare'],
  ['Condition', 'Type 2 diabetes mellitus', 'remission', 'ChronicAchievement'],
  ['Condition', 'Type 2 diabetes mellitus', 'active', null],
  ['Condition', 'Sprain of wrist', 'resolved', null],
  ['Goal', 'Walk 5 km', 'completed', 'ChronicAchievement'],
  ['Observation', 'Body weight: 70 kg', 'final', null],
] as const)('%s %s, %s', (type, title, status, expected) => expect(of(type, title, status)).toBe(expected))

test('a made-up life has some, and most of it is everyday', () => {
  const all = [...samplePatient('milestones', { resources: 400, now: 1_767_225_600 })].map(facts)
  const found = all.filter(f => milestoneOf(f))
  expect(found.length).toBeGreaterThan(3)
  expect(found.length).toBeLessThan(all.length / 4)
})
