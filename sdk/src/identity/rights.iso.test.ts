import { expect, test } from 'vitest'
import { after } from './rights.ts'

test('a deadline of months ends on a day that there is', () => {
  const day = (text: string) => Date.parse(`${text}T10:00:00Z`) / 1000
  expect(after(day('2027-01-31'), { months: 1 })).toBe(day('2027-02-28'))
  expect(after(day('2026-12-15'), { months: 2 })).toBe(day('2027-02-15'))
  expect(after(day('2027-01-31'), { days: 30 })).toBe(day('2027-03-02'))
})
