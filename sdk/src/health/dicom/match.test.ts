import { expect, test } from 'vitest'
import type { DicomJson } from './json.ts'
import { matches, wildcard } from './match.ts'

const set: DicomJson = {
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Müller^Hans', Ideographic: '山田^太郎' }] },
  '00080020': { vr: 'DA', Value: ['20240115'] },
  '00080030': { vr: 'TM', Value: ['101500.25'] },
  '0008002A': { vr: 'DT', Value: ['20240115101500+0100'] },
  '0020000D': { vr: 'UI', Value: ['1.2.3'] },
  '00200013': { vr: 'IS', Value: [7] },
  '00080061': { vr: 'CS', Value: ['CT', 'PT'] },
  '00080050': { vr: 'SH' },
  '00400275': { vr: 'SQ', Value: [{ '00400007': { vr: 'LO', Value: ['Chest low dose'] } }] },
}
const key = (tag: number, value: string, fuzzy = false) => matches(set, { path: [tag], value }, fuzzy)

test.each([
  ['single value', 0x0020000d, '1.2.3', true],
  ['list of UIDs', 0x0020000d, '1.9,1.2.3', true],
  ['list of UIDs, the old way', 0x0020000d, '1.9\\1.2.3', true],
  ['no prefix of a UID', 0x0020000d, '1.2', false],
  ['one of several values', 0x00080061, 'PT', true],
  ['case of codes', 0x00080061, 'pt', false],
  ['universal', 0x00080050, '', true],
  ['absent is not a value', 0x00080050, 'A', false],
  ['date range', 0x00080020, '20240101-20240131', true],
  ['open range', 0x00080020, '20240101-', true],
  ['range up to', 0x00080020, '-20240114', false],
  ['last day included', 0x00080020, '-20240115', true],
  ['time range by minutes', 0x00080030, '1015-1015', true],
  ['time range before', 0x00080030, '09-1014', false],
  ['date-time range', 0x0008002a, '20240115-20240115', true],
  ['number', 0x00200013, '07', true],
  ['name in any case', 0x00100010, 'müller^*', true],
  ['name without accents', 0x00100010, 'MULLER^HANS', true],
  ['name by its ideographs', 0x00100010, '山田*', true],
  ['name, not in part', 0x00100010, 'Müller', false],
])('%s', (_, tag, value, wanted) => {
  expect(key(tag, value)).toBe(wanted)
})

test('fuzzy matching finds a name by the beginnings of its words, in any order, and applies to names alone', () => {
  expect(key(0x00100010, 'hans mull', true)).toBe(true)
  expect(key(0x00100010, 'hans meier', true)).toBe(false)
  expect(key(0x00080061, 'C', true)).toBe(false)
})

test('a path leads into sequences', () => {
  expect(matches(set, { path: [0x00400275, 0x00400007], value: 'Chest*' })).toBe(true)
  expect(matches(set, { path: [0x00400275, 0x00400007], value: 'Head*' })).toBe(false)
})

test('a hostile wildcard ends soon', () => {
  const before = process.threadCpuUsage()
  expect(wildcard(`${'*a'.repeat(40)}b`, 'a'.repeat(20_000))).toBe(false)
  expect(process.threadCpuUsage(before).user).toBeLessThan(1_000_000)
  expect(wildcard('a?c*', 'abcdef')).toBe(true)
})
