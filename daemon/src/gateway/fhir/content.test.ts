import { utf8 } from '@keepwell/sdk/base/bytes'
import { expect, test } from 'vitest'
import { MAX_VALUES, parseJson } from './content.ts'

const codeOf = (text: string, take?: (values: number) => void): string => {
  try {
    parseJson(utf8(text), take)
    return 'taken'
  } catch (e) {
    return String((e as { code?: string }).code ?? e)
  }
}

test('T28: a body of more values than memory is meant for is refused before anything is made of it', () => {
  // The root, its member, the list, and a comma before each but the first of those in it.
  const holding = (values: number): string => `{"a":[${'0,'.repeat(values - 3)}0]}`
  expect(codeOf(holding(MAX_VALUES))).toBe('taken')
  expect(codeOf(holding(MAX_VALUES + 1))).toBe('TOO_LARGE')
  // Not even JSON, and not looked at as such.
  expect(codeOf('['.repeat(3_000_000))).toBe('BAD_INPUT')
})

test('what stands in a text is none', () => {
  const said: number[] = []
  expect(codeOf(`{"a":"[,{\\",${','.repeat(100)}"}`, n => said.push(n))).toBe('taken')
  expect(said).toEqual([2])
})

test('who takes room may refuse it', () => {
  const full = () => {
    throw Object.assign(new Error('full'), { code: 'RATE_LIMITED' })
  }
  expect(codeOf('{}', full)).toBe('RATE_LIMITED')
})
