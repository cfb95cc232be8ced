import { expect, test } from 'vitest'
import { instantOf, localOf, partialDate, today } from './partial-date.ts'

test.each([
  ['2019', '2019'],
  [' 2019-4 ', '2019-04'],
  ['4/2019', '2019-04'],
  ['04.2019', '2019-04'],
  ['2019-4-3', '2019-04-03'],
  ['3.4.2019', '2019-04-03'],
  ['3. 4. 2019', '2019-04-03'],
  ['3/4/2019', null],
  ['31.2.2019', null],
  ['2019-13', null],
  ['19', null],
  ['spring', null],
  ['', null],
])('%s is %s', (text, expected) => expect(partialDate(text)).toBe(expected))

test('a local minute and its instant are the same moment, and come back as they were', () => {
  expect(localOf(instantOf('2026-05-01T07:30'))).toBe('2026-05-01T07:30')
  expect(instantOf('2026-05-01T07:30')).toMatch(/Z$/)
  expect(localOf('2026-05-01')).toBe('2026-05-01T12:00')
  expect(today(new Date(2026, 0, 5, 23, 59))).toBe('2026-01-05')
})
