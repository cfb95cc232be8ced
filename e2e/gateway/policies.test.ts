import { openCedar } from '@keepwell/adapters/cedar/node'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { publishPolicies } from '@keepwell/sdk/actions/governance/publish-policies'
import { homeLedger, homeRelay, makeCall } from '@keepwell/sdk/actions/vault/calls'
import { rawCid } from '@keepwell/sdk/base/cid'
import { encodePolicies, policyCid, SCHEMA } from '@keepwell/sdk/consent/policy'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, type Json, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { didOf } from '#e2e/story'

const EXCEPT =
  'unless { context.purpose == Purpose::"ETREAT" || context.purpose == Purpose::"PATRQT" || context.purpose == Purpose::"FAMRQT" }'
const TIGHT = `
@id("mental-health-by-physicians") @en("Nurses do not read notes of mental health.") @de("Pflegende lesen keine Notizen zur seelischen Gesundheit.")
forbid (principal == Role::"nurse", action in [Action::"read", Action::"write"], resource == Part::"mental-health") ${EXCEPT};
@id("no-bulk") @en("Whole records do not leave in bulk.")
forbid (principal is Role, action == Action::"export", resource) ${EXCEPT};`
const BLOCKING = `@id("closed") @en("Nobody reads genetic data.") forbid (principal is Role, action == Action::"read", resource == Part::"genomics");`

let world: GatewayWorld
let ada: Party
let id: string
const engine = await openCedar()
const bundled = (name: string, source: string): Uint8Array => encodePolicies({ v: 1, name, schema: SCHEMA, policies: engine.split(source) })

const condition = (text: string, code?: string): Json => ({
  resourceType: 'Condition',
  ...(code ? { meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code }] } } : {}),
  subject: { reference: 'Patient/1' },
  code: { text },
})

/** As the operator of the home does: announced, and after its time put in force. */
async function enact(hash: Uint8Array): Promise<void> {
  const { policies } = world.network.home('home').open.ledger
  await policies.schedule(hash)
  world.network.advance((await policies.state()).delay + 60)
  await policies.enact(hash)
}
const gauge = async (): Promise<string> =>
  /^keepwell_policies (\d+)$/m.exec(await (await fetch(`${world.running.url}/metrics`)).text())?.[1] ?? ''

const by = (person: string, role: string, purpose = 'TREAT') =>
  world.asking({ 'x-keepwell-person': person, 'x-keepwell-role': role, 'x-keepwell-purpose': purpose })
async function seen(ask: ReturnType<typeof by>): Promise<string[]> {
  const { body } = await ask('GET', `Condition?patient=${id}`)
  return (body.entry ?? []).flatMap((e: Json) => e.resource?.code?.text ?? []).sort()
}
const entities = (event: Json, system: string): Json[] => event.entity.filter((e: Json) => e.what.identifier?.system === system)

beforeAll(async () => {
  world = await gatewayWorld()
  ada = await world.patient('Ada')
  const filed = await files(ada, { 'a.json': condition('Asthma'), 'b.json': condition('Depression', 'MH') })
  expect(filed.map(v => v.compartment)).toEqual(['general', 'mental-health'])
  ;({ id } = await consents(world, ada, ['read', 'write'], ['TREAT', 'ETREAT']))
})
afterAll(() => world.close())

describe('policies that the ledger names', () => {
  const tight = bundled('2026-03', TIGHT)

  test('count at a running gateway within seconds: an open session is narrowed, others and emergencies see what they saw', async () => {
    const nurse = by('Nurse Joy', 'nurse')
    expect([await seen(nurse), await seen(by('Dr. Ito', 'physician'))]).toEqual([
      ['Asthma', 'Depression'],
      ['Asthma', 'Depression'],
    ])
    const hash = await publishPolicies(world.clinic, tight)
    await enact(hash)
    const began = performance.now()
    await until(async () => (await seen(nurse)).length === 1)
    console.info(`policies: ${Math.round(performance.now() - began)} ms from the ledger to a running gateway`)
    expect(await seen(nurse)).toEqual(['Asthma'])
    expect(await seen(by('Dr. Ito', 'physician'))).toEqual(['Asthma', 'Depression'])
    expect(await seen(by('Nurse Joy', 'nurse', 'ETREAT'))).toEqual(['Asthma', 'Depression'])
    expect(await gauge()).toBe('2')
  })

  test('are named by what is noted at the gateway, and by the receipts that the patient gets', async () => {
    const cid = policyCid(sha256(tight))
    const { body } = await world.ask('GET', `AuditEvent?patient=${id}&_count=100`)
    const events: Json[] = body.entry.map((e: Json) => e.resource)
    const narrowed = events.filter(e =>
      entities(e, 'urn:keepwell:policy').some(p => p.detail?.[0].valueString === 'mental-health-by-physicians'),
    )
    expect(narrowed.length).toBeGreaterThan(0)
    for (const e of narrowed) expect(entities(e, 'urn:keepwell:policy')[0].what.identifier.value).toBe(cid)
    const { looked, problems } = await verifyTrail(ada)
    expect(problems).toEqual([])
    const theirs = looked.filter(l => l.receipt.actor === didOf(world.clinic))
    expect(new Set(theirs.map(l => l.policy))).toEqual(new Set([null, cid]))
  })

  test('refuse what is written into a part, and what is taken out in bulk, in their own words, and both are noted', async () => {
    const nurse = by('Nurse Joy', 'nurse')
    const wrong = await nurse('POST', 'Condition', { ...condition('Panic disorder', 'MH'), subject: { reference: `Patient/${id}` } })
    expect([wrong.status, wrong.text]).toEqual([403, expect.stringContaining('Nurses do not read notes of mental health.')])
    const right = await nurse('POST', 'Condition', { ...condition('Eczema'), subject: { reference: `Patient/${id}` } })
    expect(right.status).toBe(201)
    const actor = { person: 'Ward system', role: 'system', purpose: 'TREAT', scopes: null, patient: null, exporting: true } as const
    await expect(world.gateway.session(actor, id)).rejects.toMatchObject({ code: 'AGAINST_POLICY', message: /in bulk/ })
    await until(async () => {
      const { body } = await world.ask('GET', `AuditEvent?patient=${id}&outcome=4`)
      const refused: Json[] = (body.entry ?? []).map((e: Json) => e.resource)
      return ['mental-health-by-physicians', 'no-bulk'].every(p =>
        refused.some(e => entities(e, 'urn:keepwell:policy')[0]?.detail?.[0].valueString === p),
      )
    })
  })

  test('T29: that would block a live consent are refused, though they are in force on the ledger; what was kept goes on', async () => {
    await enact(await publishPolicies(world.clinic, bundled('bad', BLOCKING)))
    await until(() => world.logged.some(l => 'code' in l && l.code === 'BAD_POLICY'))
    expect(await seen(by('Nurse Joy', 'nurse'))).toEqual(['Asthma', 'Eczema'])
    expect(await gauge()).toBe('2')
  })

  test('T29: that nobody can give change nothing, also over a restart', async () => {
    await enact(sha256(bundled('lost', TIGHT)))
    await until(() => world.logged.some(l => 'code' in l && l.code === 'NOT_FOUND'))
    await world.restart()
    expect(await gauge()).toBe('2')
    expect(await seen(by('Nurse Joy', 'nurse'))).toEqual(['Asthma', 'Eczema'])
  })

  test('end when the ledger names none', async () => {
    await enact(new Uint8Array(32))
    await until(async () => (await seen(by('Nurse Joy', 'nurse'))).includes('Depression'))
    expect(await gauge()).toBe('0')
  })
})

test('T29: a relay gives a bundle only while its ledger names it, and no other block by that door', async () => {
  const relay = await homeRelay(ada)
  const bytes = bundled('mine', TIGHT)
  const hash = await publishPolicies(ada, bytes)
  expect(await relay.policy(hash)).toBeNull()
  const other = new Uint8Array(100).fill(7)
  await relay.putBlocks(await makeCall(ada, relay, 'put-blocks', { vault: didOf(ada) }), [{ cid: rawCid(sha256(other)), bytes: other }])
  expect(await relay.policy(sha256(other))).toBeNull()
  await world.network.home('home').open.ledger.policies.schedule(hash)
  expect(await relay.policy(hash)).toEqual(bytes)
  expect((await (await homeLedger(ada)).policies.state()).pending?.policy).toEqual(hash)
})
