import { expect, test } from 'vitest'
import { codeLabel, fieldLabel } from './fhir.ts'

/** What an import notes beside a record, and the page shows among its particulars. */
const NOTED = ['fullUrl', 'server', 'studyInstanceUid', 'seriesInstanceUid', 'sopInstanceUid', 'sopClassUid', 'transferSyntax']

test('whatever is noted of where a record came from has a name that people use, in each language', () => {
  for (const locale of ['en', 'de'] as const) {
    const names = NOTED.map(name => fieldLabel(locale, name))
    expect(names.filter(name => /uid|url|^server$/i.test(name))).toEqual([])
    expect(new Set(names).size).toBe(NOTED.length)
  }
})

test('a status is called on a screen what it is called on paper, and any other code reads as words', () => {
  expect(['in-progress', 'remission', 'very-high'].map(c => codeLabel('en', c))).toEqual(['in progress', 'in remission', 'very high'])
  expect(['in-progress', 'remission', 'very-high'].map(c => codeLabel('de', c))).toEqual(['läuft', 'in Remission', 'sehr hoch'])
})
