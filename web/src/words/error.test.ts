import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ERRORS } from '@keepwell/sdk/base/error'
import { expect, test } from 'vitest'
import { de } from './de.ts'
import { en } from './en.ts'
import { enLater } from './en-later.ts'
import { errorText } from './error.ts'
import { makeWords } from './words.ts'

const LANGUAGES = [makeWords('en', { ...en, ...enLater }), makeWords('de', de)]
/** What only somebody at a command line can be told. */
const ELSEWHERE = new Set(['USAGE', 'NO_HOME'])

/** Codes that the app makes itself. */
function ownCodes(dir: string): string[] {
  return readdirSync(dir).flatMap(name => {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) return ownCodes(path)
    return [...readFileSync(path, 'utf8').matchAll(/new RemoteError\('([A-Z_]+)'/g)].map(m => m[1]!)
  })
}

test('every code that can reach the app has words in each language, and no code is told in another one’s', () => {
  const codes = [...Object.keys(ERRORS).filter(c => !ELSEWHERE.has(c)), ...ownCodes(fileURLToPath(new URL('..', import.meta.url)))]
  expect(codes.length).toBeGreaterThan(60)
  for (const words of LANGUAGES) {
    const general = (code: string): string => words.t('error.other', { code })
    expect(codes.filter(code => errorText(words, { code, message: 'in English' }) === general(code))).toEqual([])
  }
  const [english, german] = LANGUAGES as [(typeof LANGUAGES)[0], (typeof LANGUAGES)[0]]
  expect(codes.filter(code => errorText(english, { code }) === errorText(german, { code }))).toEqual([])
})

test('what has no words is told in general, in the person’s language, with its code, and never in the words of its message', () => {
  for (const words of LANGUAGES) {
    const said = errorText(words, { code: 'OF_ANOTHER_VERSION', message: 'CANARY' })
    expect([said.includes('OF_ANOTHER_VERSION'), said.includes('CANARY')]).toEqual([true, false])
    expect(errorText(words, new Error('CANARY'))).toBe(words.t('error.DEFECT'))
  }
})
