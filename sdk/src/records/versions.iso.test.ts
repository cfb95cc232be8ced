import { expect, test } from 'vitest'
import { toHex } from '#base/bytes'
import { latestOf, replacements } from './versions.ts'

const id = (n: number): Uint8Array => new Uint8Array(16).fill(n)
const record = (n: number, prior?: number) => ({ id: id(n), card: prior === undefined ? {} : { prior: id(prior) } })

test('the last version of a chain is found from each of its versions, and a chain that closes ends', () => {
  const replaced = replacements([record(1), record(2, 1), record(3, 2), record(4)])
  expect([...replaced.keys()].sort()).toEqual([toHex(id(1)), toHex(id(2))])
  expect([1, 2, 3, 4].map(n => latestOf(toHex(id(n)), replaced)?.id[0] ?? null)).toEqual([3, 3, null, null])
  expect(latestOf(toHex(id(1)), replacements([record(1, 2), record(2, 1)]))?.id[0]).toBe(2)
})
