import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { agentText } from './agent.ts'
import { de } from './de.ts'
import { agent } from './en/agent.ts'
import { makeWords } from './words.ts'

const english = makeWords('en', agent)
const german = makeWords('de', de)

test('an agent’s warning is said in the reader’s language, for one and for many; one that is not known is left to its own words', () => {
  const said = { code: 'lost', values: { count: '2' } }
  expect(agentText(english, said)).toBe('2 blocks of your record cannot be had from any place any more. Restore from a backup.')
  expect(agentText(german, said)).toMatch(/^2 Blöcke Ihrer Akte/)
  expect(agentText(german, { code: 'lost', values: { count: '1' } })).toMatch(/^Ein Block/)
  const few = { code: 'custodiansFew', values: { good: '1', of: '3', needed: '2' } }
  expect(agentText(german, few)).toContain('1 von 3 Verwahrern haben ihren Teil nachgewiesen, 2 sind nötig')
  expect(agentText(german, { code: 'somethingNewer', values: {} })).toBeNull()
  expect(agentText(german, undefined)).toBeNull()
})

test('every code that the agent says has words', () => {
  const jobs = readFileSync(new URL('../../../cli/src/agent-jobs.ts', import.meta.url), 'utf8')
  const codes = [...jobs.matchAll(/warn\(\s*(?:grave \? )?'(\w+)'(?: : '(\w+)')?/g)].flatMap(m => [m[1]!, ...(m[2] ? [m[2]] : [])])
  expect(codes.length).toBeGreaterThan(12)
  for (const code of [...codes, 'failed']) expect(Object.keys(agent), code).toContain(`agent.${code}`)
})
