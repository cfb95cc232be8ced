import { describe, expect, test } from 'vitest'
import { type Given, medicines } from './medicines.ts'

let next = 0
const RX = 'http://www.nlm.nih.gov/research/umls/rxnorm'
const given = (g: Partial<Given>): Given => ({
  id: `m${next++}`,
  title: 'Metformin',
  type: 'MedicationRequest',
  date: '2020-01-01',
  codes: [],
  ...g,
})
const TODAY = '2026-06-01'

describe('medicines', () => {
  test('records of one medicine are one: by code, by name, and by both in a row', () => {
    const found = medicines(
      [
        given({ title: 'METFORMIN  (500 mg)', codes: [{ system: RX, code: '1' }], date: '2022-01-01' }),
        given({ title: 'Metformin 500 mg', date: '2021-01-01' }),
        given({ title: 'Glucophage', codes: [{ system: RX, code: '1' }] }),
        given({ title: 'Ramipril', codes: [{ system: 'http://snomed.info/sct', code: '38341003' }] }),
        given({ title: 'Bisoprolol', codes: [{ system: 'http://snomed.info/sct', code: '38341003' }] }),
      ],
      TODAY,
    )
    expect(found.map(m => [m.title, m.records.length])).toEqual([
      ['METFORMIN  (500 mg)', 3],
      ['Ramipril', 1],
      ['Bisoprolol', 1],
    ])
  })

  test('the newest plan decides whether it is taken now; dispensing does not', () => {
    const now = (...records: Given[]) => medicines(records, TODAY)[0]?.current
    expect(now(given({ status: 'active' }))).toBe(true)
    expect(now(given({ status: 'stopped', date: '2021-01-01' }), given({ status: 'active' }))).toBe(false)
    expect(now(given({ type: 'MedicationDispense', status: 'completed', date: '2021-01-01' }), given({ status: 'active' }))).toBe(true)
    expect(now(given({ status: 'active', end: '2026-05-31' }))).toBe(false)
    expect(now(given({ status: 'active', end: '2026-06-01' }))).toBe(true)
  })

  test('courses join where they overlap, go on while it is taken, and are a day when no end is known', () => {
    const courses = (...records: Given[]) => medicines(records, TODAY)[0]?.courses
    expect(
      courses(given({ date: '2021-01-01', end: '2021-03-01', status: 'completed' }), given({ date: '2020-12-01', end: '2021-01-15' })),
    ).toEqual([{ start: '2020-12-01', end: '2021-03-01' }])
    expect(courses(given({ status: 'active' }))).toEqual([{ start: '2020-01-01', end: null }])
    expect(courses(given({ status: 'completed' }))).toEqual([{ start: '2020-01-01', end: '2020-01-01' }])
  })

  test('an order nobody closed ends with what came after it', () => {
    const [one] = medicines([given({ date: '2021-05-01', status: 'stopped' }), given({ date: '2020-01-01', status: 'active' })], TODAY)
    expect(one?.courses).toEqual([{ start: '2020-01-01', end: '2021-05-01' }])
  })

  test('mistakes are no medicines', () => {
    expect(medicines([given({ status: 'entered-in-error' }), given({ status: 'not-taken' })], TODAY)).toEqual([])
  })
})
