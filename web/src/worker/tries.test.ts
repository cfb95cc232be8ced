import { expect, test } from 'vitest'
import { NO_TRIES, oneMore, type Tries, waitAfter, waitUntil } from './tries.ts'

const NOW = 1_790_000_000
const after = (count: number): Tries => Array.from({ length: count }).reduce<Tries>(t => oneMore(t, NOW), NO_TRIES)

test('T37: four wrong passphrases cost nothing, the fifth half a minute, each one more twice as long, never above a quarter of an hour', () => {
  expect([0, 1, 4, 5, 6, 7, 9, 10, 40].map(waitAfter)).toEqual([0, 0, 0, 30, 60, 120, 480, 900, 900])
  expect(waitUntil(after(4), NOW)).toBe(0)
  expect(waitUntil(after(5), NOW)).toBe(NOW + 30)
  expect(waitUntil(after(5), NOW + 30)).toBe(0)
})

test('a clock set back by a year does not lock anybody out for a year', () => {
  expect(waitUntil(after(6), NOW - 365 * 86_400)).toBe(NOW - 365 * 86_400 + 60)
})
