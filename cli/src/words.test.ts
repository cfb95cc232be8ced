import { isKeepwellError } from '@keepwell/sdk/base/error'
import { describe, expect, test } from 'vitest'
import { level, purpose, purposeWord, seconds, until } from './words.ts'

const refused = (work: () => unknown): boolean => {
  try {
    work()
  } catch (e) {
    return isKeepwellError(e, 'USAGE')
  }
  return false
}

describe('what people write', () => {
  test('lengths of time', () => {
    expect(['12h', '90d', '2w', '6m', '1y'].map(seconds)).toEqual([43_200, 7_776_000, 1_209_600, 15_552_000, 31_536_000])
    for (const bad of ['', '0d', '-1d', '90', 'd', '1.5d', '90 days', '999999d'])
      expect([bad, refused(() => seconds(bad))]).toEqual([bad, true])
  })

  test('a date without a time lasts to the end of that day', () => {
    expect(until('2027-06-30', 0)).toBe(Date.parse('2027-06-30T23:59:59Z') / 1000)
    expect(until('2027-06-30T12:00:00+02:00', 0)).toBe(Date.parse('2027-06-30T10:00:00Z') / 1000)
    expect(until('90d', 1000)).toBe(1000 + 7_776_000)
    for (const bad of ['tomorrow', '30.06.2027', '2027', '2027-13-01', '12'])
      expect([bad, refused(() => until(bad, 0))]).toEqual([bad, true])
  })

  test('purposes by word or by code, and back', () => {
    expect([purpose('treatment'), purpose('TREAT'), purpose('Research'), purposeWord('HRESCH')]).toEqual([
      'TREAT',
      'TREAT',
      'HRESCH',
      'research',
    ])
    expect([refused(() => purpose('fun')), refused(() => level('owner')), level('Write')]).toEqual([true, true, 'write'])
  })
})
