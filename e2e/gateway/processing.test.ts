import { trailBeside } from '@keepwell/daemon/bin/gateway-trail'
import { type ProcessingInput, processingRegister, processingTemplate, readProcessing } from '@keepwell/daemon/gateway/duties/processing'
import { registerCsv, registerText } from '@keepwell/daemon/gateway/duties/processing-text'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, until } from '#e2e/gateway.kit'
import { DAY, didOf } from '#e2e/story'

let world: GatewayWorld
beforeAll(async () => {
  world = await gatewayWorld()
})
afterAll(() => world.close())

const register = async (more: Partial<ProcessingInput> = {}) => {
  const trail = await trailBeside(world.clinic, world.clinic.folder)
  try {
    return await processingRegister({
      now: world.clinic.clock(),
      settings: null,
      grants: receivedGrants(world.clinic),
      trail: trail.all(),
      apps: new Map(),
      systems: [{ name: 'Ward system', purpose: 'TREAT' }],
      staff: 3,
      requests: 0,
      trailYears: 6,
      ...more,
    })
  } finally {
    await trail.close()
  }
}
const word = (p: string) => p.toLowerCase()

test('the register of processing says what consents and trail say, by purpose, in categories and counts, and names nobody', async () => {
  const [ada, bob] = [await world.patient('Ada Example'), await world.patient('Bob Example')]
  await files(ada, { 'letter.txt': 'A letter.' })
  const { id, commitments } = await consents(world, ada, ['read', 'write'], ['TREAT'])
  await consents(world, bob, ['read'], ['TREAT', 'COVERAGE'], 10)
  expect((await world.ask('GET', `DocumentReference?patient=${id}`)).status).toBe(200)
  expect((await world.ask('GET', `Observation?patient=${id}`, undefined, { 'x-keepwell-purpose': 'HPAYMT' })).status).toBe(403)
  await until(async () => (await register()).activities.some(a => a.lastYear.refusals === 1))
  const r = await register()
  const of = (purpose: string) => r.activities.find(a => a.purpose === purpose)
  expect(r.activities.map(a => a.purpose)).toEqual(['TREAT', 'HPAYMT', 'COVERAGE'])
  expect(of('TREAT')).toMatchObject({
    subjects: { patients: 2, consents: { read: 2, write: 1, admin: 0 } },
    roles: ['nurse'],
    systems: ['Ward system'],
    lastYear: { writes: 0, refusals: 0 },
  })
  expect(of('TREAT')!.lastYear.openings).toBeGreaterThan(0)
  expect(of('TREAT')!.data).toContain('mental-health')
  expect(of('COVERAGE')!.subjects.patients).toBe(1)
  expect(of('HPAYMT')).toMatchObject({ subjects: { patients: 0 }, until: null, lastYear: { openings: 0, refusals: 1 } })
  const all = JSON.stringify(r) + registerText(r, word).join('\n') + registerCsv(r, word)
  for (const name of ['Ada', 'Bob', 'Joy', didOf(ada), didOf(bob), id]) expect(all.includes(name), name).toBe(false)
  expect(r.missing).toEqual(expect.arrayContaining(['controller', 'data protection officer, or null', 'legal basis of TREAT']))

  await revoke(ada, commitments.read!)
  await until(() => world.gateway.patients().every(p => p.id !== id || p.read === null))
  expect((await register()).activities[0]!.subjects.consents).toEqual({ read: 1, write: 1, admin: 0 })
  const later = await register({ now: world.clinic.clock() + 11 * DAY })
  expect(later.activities[0]!.subjects.consents).toEqual({ read: 0, write: 1, admin: 0 })
})

test('a name that a patient gave to a part of their record does not reach the register', async () => {
  const grants = receivedGrants(world.clinic).map(g => ({
    ...g,
    package: { ...g.package, compartments: [...g.package.compartments, { id: new Uint8Array(16), name: 'What Dr. Hide did' }] },
  }))
  const r = await register({ grants })
  expect(JSON.stringify(r)).not.toContain('Hide')
  expect(r.activities[0]!.data).toContain('parts that patients made')
})

test('what the operator says stands in it, nothing is missing then, and what is no such settings is refused', async () => {
  const template = processingTemplate(['TREAT', 'HPAYMT', 'COVERAGE'])
  const person = { name: 'Clinic West', address: 'West Street 1', contact: 'privacy@west.example' }
  const said = { basis: '=GDPR 9(2)(h)', recipients: [], transfers: [], retention: '10 years (§ 630f BGB)' }
  const purposes = Object.fromEntries(Object.keys(template.purposes).map(p => [p, said]))
  const json = (value: unknown) => readProcessing(utf8(JSON.stringify(value)))
  const settings = json({ ...template, controller: person, dataProtectionOfficer: null, purposes, measures: ['Badges.'] })
  const r = await register({ settings })
  expect([r.missing, r.measures.at(-1)]).toEqual([[], 'Badges.'])
  expect(registerText(r, word).join('\n')).toContain('Controller: Clinic West, West Street 1, privacy@west.example')
  // A spreadsheet runs none of it.
  expect(registerCsv(r, word)).toContain(`"'=GDPR 9(2)(h)"`)
  expect(() => json({ ...settings, purposes: { FUN: said } })).toThrow(/no purpose/)
  expect(() => json({ ...settings, patients: ['Ada'] })).toThrow(/no member/)
})
