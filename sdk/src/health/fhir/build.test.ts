import { describe, expect, test } from 'vitest'
import { file } from '#health/filing'
import { attachedTo, type Common, isWritten } from './build.ts'
import { buildAllergy, readAllergy } from './build-allergy.ts'
import { buildCondition, readCondition } from './build-condition.ts'
import {
  buildMeasurement,
  FREE_UNITS,
  MEASURE_NAMES,
  type MeasurementInput,
  measureOf,
  questionable,
  readMeasurement,
} from './build-measurement.ts'
import { buildMedication, readMedication } from './build-medication.ts'
import { buildNote, readNote } from './build-note.ts'
import { buildVaccination, readVaccination } from './build-vaccination.ts'
import { loadChecker } from './check.ts'
import { facts } from './facts.ts'

const check = await loadChecker()
const attached = [{ id: '00112233445566778899aabbccddeeff', title: 'Letter' }]
const patient: Common = {
  id: '7b0e1b0a-5c4d-4a9e-8f00-0123456789ab',
  patient: 'Ada Example',
  origin: { by: 'patient', name: 'Ada Example' },
  recorded: '2026-05-01T08:00:00+02:00',
}
const clinician: Common = { ...patient, origin: { by: 'clinician', name: 'Dr. Rivera' } }

const medication = {
  name: 'Ramipril 5 mg',
  dose: 'one in the morning',
  from: '2026-01-01',
  until: '2026-04',
  state: 'stopped',
  reason: 'pressure',
  note: 'dry cough',
} as const
const allergy = {
  substance: 'Penicillin',
  category: 'medication',
  reaction: 'rash',
  severity: 'severe',
  dangerous: true,
  since: '1999',
  note: 'as a child',
} as const
const vaccination = {
  vaccine: 'Tetanus',
  date: '2026-05-01',
  dose: 3,
  manufacturer: 'Fable',
  lot: 'A1',
  where: 'Dr. Rivera',
  note: 'left arm',
} as const
const condition = { name: 'Asthma', state: 'resolved', since: '2001-04', until: '2020', note: 'as a child' } as const
const note = { title: 'How I slept', text: 'Badly — über drei Stunden wach.', date: '2026-05-01' } as const
const weight: MeasurementInput = { what: 'weight', value: 71.5, unit: 'kg', date: '2026-05-01', note: 'after breakfast' }

const BUILT = [
  ['medication', (c: Common) => buildMedication(c, medication), 'medications', 'Ramipril 5 mg'],
  ['allergy', (c: Common) => buildAllergy(c, allergy), 'general', 'Penicillin'],
  ['vaccination', (c: Common) => buildVaccination(c, vaccination), 'general', 'Tetanus'],
  ['condition', (c: Common) => buildCondition(c, condition), 'general', 'Asthma'],
  ['note', (c: Common) => buildNote(c, note), 'general', 'How I slept'],
  ['measurement', (c: Common) => buildMeasurement(c, weight), 'general', 'Body weight: 71.5 kg'],
] as const

describe('what a person types', () => {
  test.each(BUILT)('%s is valid FHIR by the project’s own checker, whoever says it, with and without an attachment', (_, build) => {
    for (const common of [patient, clinician])
      for (const more of [{}, { attached }]) expect(check(build({ ...common, ...more }))).toEqual([])
  })

  test.each(BUILT)(
    '%s: placed by the filing table, with its name in lists, marked with who says it, and bound to its attachment',
    (_, build, part, title) => {
      const made = build({ ...patient, attached })
      expect(file(made)).toMatchObject({ compartment: part, placed: true })
      expect(facts(made).title).toBe(title)
      expect(facts(made).dates.start).toBeDefined()
      expect(attachedTo(made)).toEqual(attached)
      expect(JSON.stringify(made)).toContain('PATAST')
      expect(JSON.stringify(build(clinician))).toContain('CLINAST')
      expect([isWritten(made), isWritten({ resourceType: made.resourceType })]).toEqual([true, false])
    },
  )

  test('the least that can be typed is valid too', () => {
    for (const made of [
      buildMedication(patient, { name: 'x', state: 'active' }),
      buildAllergy(patient, { substance: 'x' }),
      buildVaccination(patient, { vaccine: 'x', date: '2026' }),
      buildCondition(patient, { name: 'x', state: 'active', until: '2020' }),
      buildNote(patient, { title: 'x', text: '', date: '2026-05-01' }),
      buildMeasurement(patient, { what: 'other', name: 'x', value: 1, unit: '', date: '2026-05-01' }),
    ])
      expect(check(made), made.resourceType).toEqual([])
  })

  test('what was typed can be read back, to be typed over', () => {
    expect(readMedication(buildMedication(patient, medication))).toEqual(medication)
    expect(readAllergy(buildAllergy(patient, allergy))).toEqual(allergy)
    expect(readVaccination(buildVaccination(patient, vaccination))).toEqual(vaccination)
    expect(readCondition(buildCondition(patient, condition))).toEqual(condition)
    expect(readNote(buildNote(patient, note))).toEqual(note)
    expect(readMeasurement(buildMeasurement(patient, weight))).toMatchObject(weight)
  })
})

describe('measurements', () => {
  test('each in each of its units is valid, and reads back as it was', () => {
    for (const what of MEASURE_NAMES)
      for (const { code } of measureOf(what).units) {
        const input: MeasurementInput = {
          what,
          value: 80,
          unit: code,
          date: '2026-05-01T07:30:00Z',
          ...(what === 'blood-pressure' ? { second: 60 } : {}),
        }
        const made = buildMeasurement(patient, input)
        expect(check(made), `${what} ${code}`).toEqual([])
        expect(readMeasurement(made)).toMatchObject(input)
      }
    for (const { code } of FREE_UNITS)
      expect(check(buildMeasurement(patient, { what: 'other', name: 'Ferritin', value: 1, unit: code, date: '2026' })), code).toEqual([])
  })

  test('a pair of pressures is one value in lists', () => {
    const input: MeasurementInput = { what: 'blood-pressure', value: 128, second: 82, unit: 'mm[Hg]', date: '2026-05-01' }
    expect(facts(buildMeasurement(patient, input)).title).toBe('Blood pressure: 128/82 mmHg')
  })

  test('a laboratory’s value goes to the laboratory, whatever it is called', () => {
    const made = buildMeasurement(patient, { what: 'other', name: 'Ferritin', value: 80, unit: 'ug/L', laboratory: true, date: '2026' })
    expect(file(made).compartment).toBe('laboratory')
  })

  test('what is beyond belief is questioned; what is rare is not', () => {
    expect(questionable({ what: 'weight', value: 715, unit: 'kg' })).toBe(true)
    expect(questionable({ what: 'weight', value: 240, unit: 'kg' })).toBe(false)
    expect(questionable({ what: 'weight', value: 500, unit: '[lb_av]' })).toBe(false)
    expect(questionable({ what: 'temperature', value: 98.6, unit: 'Cel' })).toBe(true)
    expect(questionable({ what: 'blood-pressure', value: 80, second: 120, unit: 'mm[Hg]' })).toBe(true)
    expect(questionable({ what: 'blood-pressure', value: 120, second: 80, unit: 'mm[Hg]' })).toBe(false)
    expect(questionable({ what: 'other', value: 1e9, unit: '' })).toBe(false)
  })
})
