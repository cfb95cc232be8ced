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
  const on = String(Date.UTC(2026, 10, 4, 12) / 1000)
  const due = { code: 'due', values: { count: '3', on } }
  expect(agentText(english, due)).toMatch(/^From .*Nov.*2026 on your own rules erase 3 records for ever/)
  expect(agentText(german, due)).toMatch(/^Ab .*2026 löschen Ihre eigenen Regeln 3 Einträge für immer/)
  // What is no day is shown as it came.
  expect(agentText(english, { code: 'due', values: { count: '1', on: '1e99' } })).toMatch(/^From 1e99 on your own rules erase a record/)
  expect(agentText(german, { code: 'somethingNewer', values: {} })).toBeNull()
  expect(agentText(german, undefined)).toBeNull()
})

test('every code that the agent says has words', () => {
  const jobs = readFileSync(new URL('../../../cli/src/agent-jobs.ts', import.meta.url), 'utf8')
  const retention = readFileSync(new URL('../../../sdk/src/actions/records/standing-retention.ts', import.meta.url), 'utf8')
  const told = [...retention.matchAll(/said: \{ code: '(\w+)'/g)].map(m => m[1]!)
  expect(told).toEqual(['due', 'gone'])
  const codes = [...jobs.matchAll(/warn\(\s*(?:grave \? )?'(\w+)'(?: : '(\w+)')?/g)].flatMap(m => [m[1]!, ...(m[2] ? [m[2]] : [])])
  expect(codes.length).toBeGreaterThan(12)
  for (const code of [...codes, ...told, 'failed']) expect(Object.keys(agent), code).toContain(`agent.${code}`)
})
