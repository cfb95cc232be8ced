import { describe, expect, test } from 'vitest'
import { parseEcl } from './ecl.ts'

const concept = (operator: string, code: string) => ({ is: 'concept', operator, code })

test('operators, terms, comments, brackets', () => {
  expect(parseEcl('404684003 |Clinical finding|')).toEqual(concept('self', '404684003'))
  expect(parseEcl(' << 404684003')).toEqual(concept('descendants-or-self', '404684003'))
  expect(parseEcl('<!404684003')).toEqual(concept('children', '404684003'))
  expect(parseEcl('/* all */ ^ 900000000000497000')).toEqual(concept('members', '900000000000497000'))
  expect(parseEcl('*')).toEqual({ is: 'any' })
  expect(parseEcl('(< 404684003 or >73211009)')).toMatchObject({
    is: 'or',
    left: concept('descendants', '404684003'),
    right: concept('ancestors', '73211009'),
  })
})

test('a refinement binds before AND; AND before another attribute belongs to it', () => {
  expect(parseEcl('<404684003: 363698007 = <<39057004, 116676008 != 1234567')).toMatchObject({
    is: 'refined',
    attributes: [{ not: false }, { not: true }],
  })
  expect(parseEcl('<404684003: 363698007 = 39057004 AND 116676008 = *')).toMatchObject({
    is: 'refined',
    attributes: [{}, { value: { is: 'any' } }],
  })
  expect(parseEcl('<404684003: 363698007 = 39057004 AND <73211009')).toMatchObject({ is: 'and', left: { is: 'refined' } })
})

describe('what is beyond it is refused, never ignored', () => {
  test.each([
    '',
    '<',
    'A',
    '<< 404684003 {{ term = "x" }}',
    '404684003 AND',
    '1234567 OR 1234567 AND 1234567',
    '(1234567',
    '1234567)',
    '1234567 : 1234567',
    '<'.repeat(9000),
    `${'('.repeat(40)}1234567${')'.repeat(40)}`,
    '404684003: [0..1] 1234567 = 1234567',
  ])('%.40s', text => {
    expect(() => parseEcl(text)).toThrow(expect.objectContaining({ name: 'KeepwellError' }))
  })
})
