import { expect, test } from 'vitest'
import type { Common } from './build.ts'
import { buildResult } from './build-result.ts'
import { loadChecker } from './check.ts'
import { facts } from './facts.ts'
import { LAB_TESTS } from './lab-tests.ts'
import { at } from './read.ts'

const common: Common = {
  id: '7d0c1a30-59b5-4f0e-9d5c-0a9d6b3c1f11',
  patient: 'Ada Example',
  origin: { by: 'clinician', name: 'Dr. Rivera' },
  recorded: '2026-11-28T12:00:00+01:00',
}
const input = { test: 'hba1c', value: 7.1, low: 4, high: 6, date: '2026-11-27' }

test('a result has its LOINC code, its UCUM unit, its range, and a flag that follows from them', async () => {
  const r = buildResult(common, input)
  expect(at(r, 'code', 'coding', 'code')).toBe('4548-4')
  expect(r.valueQuantity).toEqual({ value: 7.1, unit: '%', system: 'http://unitsofmeasure.org', code: '%' })
  expect(at(r, 'interpretation', 'coding', 'code')).toBe('H')
  expect(at(buildResult(common, { ...input, value: 3 }), 'interpretation', 'coding', 'code')).toBe('L')
  expect(at(buildResult(common, { ...input, value: 6 }), 'interpretation', 'coding', 'code')).toBe('N')
  expect(facts(r)).toMatchObject({ title: 'HbA1c: 7.1 %', category: ['laboratory'] })
  const check = await loadChecker()
  for (const t of LAB_TESTS) expect(check(buildResult(common, { ...input, test: t.name })), t.name).toEqual([])
})

test('without a range nothing is judged, and another test carries no code that nobody chose', async () => {
  const r = buildResult(common, { test: 'other', name: ' Zinc ', value: 12, unit: 'umol/L', date: '2026-11-27', note: 'fasting' })
  expect(r.code).toEqual({ text: 'Zinc' })
  expect(r).not.toHaveProperty('interpretation')
  expect(r).not.toHaveProperty('referenceRange')
  expect(r.note).toEqual([{ time: common.recorded, text: 'fasting' }])
  expect((await loadChecker())(r)).toEqual([])
})

test('one side of a range is enough to judge by', () => {
  const { low: _, ...open } = input
  expect(at(buildResult(common, { ...open, value: 3 }), 'interpretation', 'coding', 'code')).toBe('N')
  expect(at(buildResult(common, { ...open, value: 7 }), 'interpretation', 'coding', 'code')).toBe('H')
})
