import { expect, test } from 'vitest'
import { patientSummary } from './patient-summary.ts'
import { readSummary } from './read-summary.ts'

const patient = { resourceType: 'Patient', id: 'p', name: [{ text: 'Ada Example' }], birthDate: '1980-02-03' }

test('a summary is read back as people read it, by whoever it was made', () => {
  const subject = { reference: 'Patient/p' }
  const medicine = {
    resourceType: 'MedicationStatement',
    id: 'm',
    status: 'active',
    subject,
    medicationReference: { reference: 'Medication/x' },
    dosage: [{ text: 'one in the morning' }],
  }
  const bundle = patientSummary([patient, medicine, { resourceType: 'Medication', id: 'x', code: { text: 'Ramipril' } }], {
    patient,
    author: patient,
    at: '2026-06-01T12:00:00Z',
  })
  const read = readSummary(bundle)
  expect(read).toMatchObject({ name: 'Ada Example', birthDate: '1980-02-03', date: '2026-06-01T12:00:00Z' })
  expect(read?.sections.find(s => s.code === '10160-0')?.lines).toEqual([
    { what: 'Ramipril', date: '', status: 'active', more: 'one in the morning', danger: false },
  ])
  expect(read?.sections.find(s => s.code === '48765-2')?.words).toBe('There is no information about allergies in this summary.')
  expect(read?.sections.map(s => [s.code, s.unavailable])).toEqual([
    ['48765-2', true],
    ['10160-0', false],
    ['11450-4', true],
  ])
})

test('anything else is not a summary, and nothing throws', () => {
  for (const x of [
    null,
    1,
    'x',
    [],
    {},
    { type: 'document' },
    { type: 'document', entry: [{ resource: { resourceType: 'Composition', section: 7 } }] },
  ])
    expect(readSummary(x)?.sections.length ?? 0).toBeLessThanOrEqual(1)
})
