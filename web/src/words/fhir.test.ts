import { expect, test } from 'vitest'
import { fieldLabel } from './fhir.ts'

/** What an import notes beside a record, and the page shows among its particulars. */
const NOTED = ['fullUrl', 'server', 'studyInstanceUid', 'seriesInstanceUid', 'sopInstanceUid', 'sopClassUid', 'transferSyntax']

test('whatever is noted of where a record came from has a name that people use, in each language', () => {
  for (const locale of ['en', 'de'] as const) {
    const names = NOTED.map(name => fieldLabel(locale, name))
    expect(names.filter(name => /uid|url|^server$/i.test(name))).toEqual([])
    expect(new Set(names).size).toBe(NOTED.length)
  }
})
