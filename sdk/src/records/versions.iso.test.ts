import { expect, test } from 'vitest'
import { toHex } from '#base/bytes'
import { latestOf, versionsOf } from './versions.ts'

const id = (n: number): Uint8Array => new Uint8Array(16).fill(n)
const record = (n: number, author = 'lab', prior?: number) => ({
  id: id(n),
  card: prior === undefined ? { author } : { author, prior: id(prior) },
})
const all = { subject: 'ada', proven: () => true }
const numbers = (map: ReadonlyMap<string, { readonly id: Uint8Array }>): [string, number][] =>
  [...map].map(([older, newer]) => [older.slice(0, 2), newer.id[0]!])

test('the last version of a chain is found from each of its versions, and a chain that closes ends', () => {
  const { replaced } = versionsOf([record(1), record(2, 'lab', 1), record(3, 'lab', 2), record(4)], all)
  expect([...replaced.keys()].sort()).toEqual([toHex(id(1)), toHex(id(2))])
  expect([1, 2, 3, 4].map(n => latestOf(toHex(id(n)), replaced)?.id[0] ?? null)).toEqual([3, 3, null, null])
  expect(latestOf(toHex(id(1)), versionsOf([record(1, 'lab', 2), record(2, 'lab', 1)], all).replaced)?.id[0]).toBe(2)
})

test('in the place of a record stands a version of its author or of whose record it is; anybody else’s stands beside it', () => {
  const records = [record(1), record(2, 'clinic', 1), record(3, 'ada', 1), record(4), record(5, 'clinic', 4), record(6, 'lab', 5)]
  const { replaced, beside } = versionsOf(records, all)
  expect(numbers(replaced)).toEqual([['01', 3]])
  expect([...beside].map(([older, notes]) => [older.slice(0, 2), ...notes.map(n => n.id[0])])).toEqual([
    ['01', 2],
    ['04', 5],
    ['05', 6],
  ])
  expect(latestOf(toHex(id(4)), replaced)).toBeNull()
})

test('a version whose signature was not checked replaces nothing, whatever name stands on it, and neither does one of a record that is not here', () => {
  const records = [record(1), record(2, 'lab', 1), record(3), record(4, 'ada', 3), record(5, 'ada', 9)]
  const { replaced, beside } = versionsOf(records, { subject: 'ada', proven: v => v.id[0] !== 2 })
  expect(numbers(replaced)).toEqual([['03', 4]])
  expect([...beside.keys()].map(older => older.slice(0, 2))).toEqual(['01'])
})
