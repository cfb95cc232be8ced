import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Desk, freePort, type Ran, seat, temporary } from './cli.kit.ts'

const EXAMPLE = fileURLToPath(new URL('../../docs/policies-example.cedar', import.meta.url))
const DAY = 86_400

const folder = temporary()
afterAll(() => folder.remove())
const at = (name: string): string => join(folder.path, name)
let port: string
let ada: Desk
let clinic: Desk

beforeAll(async () => {
  port = String(await freePort())
  ada = seat(at('ada'), { KEEPWELL_PORT: port })
  clinic = seat(at('clinic'))
  await ada.json('init', '--name', 'Ada Example', '--no-passphrase', '--words-file', at('ada.words'))
})

const later = (seconds: number, ...argv: string[]): Promise<Ran> => seat(ada.dir, { KEEPWELL_PORT: port }, seconds).run(...argv)

test('a text is checked without a home, and what it would break is shown', async () => {
  const nobody = seat(at('nobody'))
  const checked = await nobody.run('policy', 'check', EXAMPLE)
  expect([checked.code, checked.out]).toEqual([0, expect.stringContaining('nothing of the floor is touched')])
  writeFileSync(at('bad.cedar'), '@id("shut") @en("x") forbid (principal is Role, action == Action::"read", resource == Part::"genomics");')
  const bad = await nobody.run('policy', 'check', at('bad.cedar'))
  expect([bad.code, bad.err]).toEqual([3, expect.stringContaining('shut would forbid a physician: read of genomics for ETREAT')])
  writeFileSync(at('worse.cedar'), 'forbid (principal')
  expect((await nobody.run('policy', 'check', at('worse.cedar'))).code).toBe(3)
})

test('an operator says what a role has to do with, sees it beside the table, and takes it back', async () => {
  type Shown = { roles: { role: string; purposes: string[]; parts: string[] | 'all' }[] }
  const nurse = ({ roles }: Shown) => roles.find(r => r.role === 'nurse')
  const set = [
    'gateway',
    'roles',
    'set',
    '--role',
    'nurse',
    '--part',
    'general',
    '--part',
    'genomics',
    '--for-purpose',
    'treatment',
  ] as const
  // Genomics is none of a nurse’s by the table, and no rule makes it so.
  expect(nurse(await ada.json(...set))).toMatchObject({ purposes: ['TREAT'], parts: ['general'] })
  expect((await ada.run('gateway', 'roles', 'set', '--role', 'nurse')).code).toBe(2)
  expect(nurse(await ada.json('gateway', 'roles', 'reset', '--role', 'nurse'))?.parts).toContain('laboratory')
})

test('T29: whoever runs the ledger announces, nobody else; after the time lock vaults keep to it, and say so in the policies’ own words', {
  timeout: 400_000,
}, async () => {
  const server = await ada.serve('start')
  await clinic.json(
    'init',
    '--name',
    'Clinic',
    '--no-passphrase',
    '--relay',
    `http://127.0.0.1:${port}`,
    '--words-file',
    at('clinic.words'),
  )
  const { link } = await ada.json('invite')
  await clinic.json('join', link)
  await ada.json('sync')
  expect(await ada.json('policy')).toMatchObject({ inForce: null, pending: null })
  expect((await clinic.run('policy', 'announce', EXAMPLE)).code).toBe(6)
  expect((await ada.run('policy', 'announce', at('bad.cedar'))).code).toBe(3)
  const announced = await ada.json('policy', 'announce', EXAMPLE, '--name', '2026-03')
  expect((await clinic.json('policy')).pending).toMatchObject({ cid: announced.cid, name: '2026-03' })
  expect((await ada.run('policy', 'enact')).code).toBe(6)
  const share = (part: string, why: string, until: string) =>
    ['share', '--to', 'Clinic', '--compartment', part, '--purpose', why, '--until', until, '--json'] as const
  expect((await ada.run(...share('genomics', 'coverage', '30d'))).code).toBe(0)
  await server.stop()

  expect((await later(DAY + 3600, 'policy', 'enact', '--json')).code).toBe(0)
  const shown = await later(DAY + 3700, 'policy')
  expect(shown.out).toContain('payers-see-what-they-pay: Insurers are given no sensitive parts.')
  const refused = await later(DAY + 3700, ...share('genomics', 'coverage', '30d'))
  expect([refused.code, refused.err]).toEqual([4, expect.stringContaining('Insurers are given no sensitive parts.')])
  expect(JSON.parse(refused.err.trim().split('\n').at(-1)!).error.code).toBe('AGAINST_POLICY')
  expect((await later(DAY + 3700, ...share('laboratory', 'coverage', '30d'))).code).toBe(0)
  expect((await later(DAY + 3700, ...share('genomics', 'treatment', '30d'))).code).toBe(0)
  expect((await later(DAY + 3700, ...share('general', 'research', '2y'))).err).toContain('a year at most')
  const explained = ['policy', 'explain', '--part', 'mental-health', '--purpose', 'treatment', '--role'] as const
  expect((await later(DAY + 3700, ...explained, 'pharmacist')).out).toContain('Forbidden by mental-health-by-physicians')
  expect((await later(DAY + 3700, ...explained, 'nurse')).out).toContain('No policy forbids it')

  expect((await later(DAY + 3800, 'policy', 'announce', '--none', '--json')).code).toBe(0)
  expect((await later(2 * DAY + 7300, 'policy', 'enact', '--json')).code).toBe(0)
  expect((await later(2 * DAY + 7300, ...share('genomics', 'coverage', '30d'))).code).toBe(0)
})
