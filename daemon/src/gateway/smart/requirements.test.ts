import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { COVERED, NOT_SHOWN, SHALL } from './requirements.kit.ts'

const source = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8')

test('every requirement that is said to be shown names a test that is there, and each is counted once', () => {
  for (const { file, test: name } of COVERED) expect(source(file).includes(`test('${name}'`), `${file}: ${name}`).toBe(true)
  const shown = COVERED.flatMap(c => c.shows)
  const all = [...shown, ...NOT_SHOWN.map(([id]) => id)]
  expect(new Set(all).size).toBe(all.length)
  const missed = NOT_SHOWN.filter(([, shall]) => shall)
  console.log(
    `SMART App Launch 2.2.0, server: ${shown.length} of ${all.length} requirements shown by tests; of its ${SHALL.size + missed.length} SHALL, ${SHALL.size}`,
  )
  // Fewer than this would be a step back.
  expect(shown.length).toBeGreaterThanOrEqual(160)
  expect(missed.length).toBeLessThanOrEqual(25)
})
