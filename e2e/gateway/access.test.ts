import type { Actor, Scope } from '@keepwell/daemon/gateway/core/types'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, type Json, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { DAY, didOf } from '#e2e/story'

let world: GatewayWorld
let ada: Party
let id: string

const scope = (type: string, rights: string, query: Scope['query'] = []): Scope =>
  ({ context: 'patient', type, query, ...Object.fromEntries(['c', 'r', 'u', 'd', 's'].map(l => [l, rights.includes(l)])) }) as Scope

/** Tokens as an authorization server would hand them out. */
const TOKENS: Record<string, () => Actor> = {
  lab: () => ({
    person: 'App user',
    role: 'patient',
    purpose: 'TREAT',
    patient: id,
    scopes: [scope('Observation', 'rs', [['category', 'laboratory']]), scope('Patient', 'r')],
  }),
  reader: () => ({ person: 'App user', role: 'nurse', purpose: 'TREAT', patient: id, scopes: [scope('*', 'rs')] }),
  research: () => ({ person: 'Researcher', role: 'researcher', purpose: 'HRESCH', patient: id, scopes: null }),
}

const observation = (category: string, more: Json = {}): Json => ({
  resourceType: 'Observation',
  status: 'final',
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: category }] }],
  code: { text: category },
  subject: { reference: `Patient/${id}` },
  ...more,
})

beforeAll(async () => {
  world = await gatewayWorld({
    parts: () => ({
      parts: [],
      async authenticate({ headers }) {
        const actor = TOKENS[(headers.authorization ?? '').replace('Bearer ', '')]
        if (!actor) throw new KeepwellError('UNAUTHENTICATED', 'No such token.')
        return actor()
      },
    }),
  })
  ada = await world.patient('Ada')
  await files(ada, { 'a.json': { resourceType: 'Condition', id: '1', subject: { reference: 'Patient/1' }, code: { text: 'Asthma' } } })
  ;({ id } = await consents(world, ada))
})
afterAll(() => world.close())

const as = (token: string) => world.asking({ authorization: `Bearer ${token}` })

describe('a token', () => {
  test('with search arguments in its scopes sees what meets them, by read, search, include and everything', async () => {
    const lab = (await world.ask('POST', 'Observation', observation('laboratory'))).body
    const vital = (
      await world.ask('POST', 'Observation', observation('vital-signs', { hasMember: [{ reference: `Observation/${lab.id}` }] }))
    ).body
    const ask = as('lab')
    expect((await ask('GET', `Observation/${lab.id}`)).status).toBe(200)
    for (const path of [
      `Observation/${vital.id}`,
      `Observation/${vital.id}/_history/${vital.meta.versionId}`,
      `Observation/${vital.id}/$meta`,
      'Condition',
      'Condition/x',
    ])
      expect([path, (await ask('GET', path)).status]).toEqual([path, 403])
    const ids = (body: Json) => (body.entry ?? []).map((e: Json) => e.resource.id)
    expect(ids((await ask('GET', 'Observation')).body)).toEqual([lab.id])
    expect(ids((await ask('GET', 'Observation?_revinclude=Observation:has-member')).body)).toEqual([lab.id])
    expect(ids((await ask('GET', 'Observation/_history')).body)).toEqual([lab.id])
    expect(ids((await ask('GET', `Patient/${id}/$everything`)).body).sort()).toEqual([id, lab.id].sort())
    expect(ids((await ask('GET', '_history')).body)).not.toContain(vital.id)
  })

  test('that may read may not write, by any of the ways there are', async () => {
    const ask = as('reader')
    const made = (await world.ask('POST', 'Observation', observation('laboratory'))).body
    const tries: [string, string, unknown, Record<string, string>?][] = [
      ['POST', 'Observation', observation('x')],
      ['PUT', `Observation/${made.id}`, { ...made, status: 'amended' }],
      ['PUT', 'Observation/new', observation('x', { id: 'new' })],
      ['PUT', 'Observation?code=x', observation('x')],
      ['PATCH', `Observation/${made.id}`, [], { 'content-type': 'application/json-patch+json' }],
      ['DELETE', `Observation/${made.id}`, undefined],
      [
        'POST',
        '',
        {
          resourceType: 'Bundle',
          type: 'transaction',
          entry: [{ resource: observation('x'), request: { method: 'POST', url: 'Observation' } }],
        },
      ],
      [
        'POST',
        '',
        { resourceType: 'Bundle', type: 'transaction', entry: [{ request: { method: 'DELETE', url: `Observation/${made.id}` } }] },
      ],
    ]
    for (const [method, path, body, headers] of tries)
      expect([method, path, (await ask(method, path, body, headers)).status]).toEqual([method, path, 403])
    const batch = await ask('POST', '', {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [{ resource: observation('x'), request: { method: 'POST', url: 'Observation' } }],
    })
    expect(batch.body.entry[0].response.status).toBe('403')
    expect((await world.ask('GET', `Observation/${made.id}/_history`)).body.total).toBe(1)
  })

  test('for a purpose that the patient did not agree to opens nothing', async () => {
    const answer = await as('research')('GET', `Patient/${id}`)
    expect([answer.status, answer.body.issue[0].code]).toEqual([403, 'forbidden'])
  })

  test('for one patient opens no other, whichever side of the gateway asks, and writes into no other', async () => {
    const eve = await world.patient('Eve')
    const other = await consents(world, eve)
    const mine = TOKENS.reader!()
    await expect(world.gateway.session(mine, other.id)).rejects.toMatchObject({ code: 'NO_GRANT' })
    await expect(world.gateway.submit(mine, other.id, { resources: [{ resource: observation('x') }] })).rejects.toMatchObject({
      code: 'NO_GRANT',
    })
    expect(world.gateway.openFor(mine).every(s => s.patient.id === id)).toBe(true)
  })

  test('that nobody gave is refused with the scheme to use', async () => {
    const answer = await as('stolen')('GET', `Patient/${id}`)
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  })
})

describe('the consents', () => {
  test('who may only write reads nothing; who may only read writes nothing', async () => {
    const bob = await world.patient('Bob')
    const write = await consents(world, bob, ['write'])
    expect((await world.ask('GET', `Observation?patient=${write.id}`)).status).toBe(403)
    expect(
      (await world.ask('POST', 'Observation', observation('laboratory', { subject: { reference: `Patient/${write.id}` } }))).status,
    ).toBe(201)
    const cleo = await world.patient('Cleo')
    const read = await consents(world, cleo, ['read'])
    expect((await world.ask('GET', `Observation?patient=${read.id}`)).status).toBe(200)
    expect(
      (await world.ask('POST', 'Observation', observation('laboratory', { subject: { reference: `Patient/${read.id}` } }))).status,
    ).toBe(403)
  })

  test('that end by their own time end the session, and what was granted again is there again', async () => {
    const dora = await world.patient('Dora')
    const compartments = dora.session.state.ring.compartments.map(c => c.id)
    const give = (seconds: number) =>
      grant(dora, { to: didOf(world.clinic), level: 'read', purposes: ['TREAT'], compartments, expiry: dora.clock() + seconds })
    const known = () => world.gateway.patients().find(p => p.vaults[0]!.did === didOf(dora))
    await give(DAY)
    await until(() => known() !== undefined)
    const patient = known()!.id
    expect((await world.ask('GET', `Patient/${patient}`)).status).toBe(200)
    const told: string[] = []
    world.gateway.onEnded(p => told.push(p))
    world.network.advance(DAY + 1)
    expect((await world.ask('GET', `Patient/${patient}`)).status).toBe(403)
    await until(() => told.includes(patient))
    await give(DAY)
    await until(() => known() !== undefined)
    expect((await world.ask('GET', `Patient/${patient}`)).status).toBe(200)
  })

  test('nothing of what the gateway logs names anybody', () => {
    const text = JSON.stringify(world.logged)
    for (const word of [id, 'Asthma', 'Nurse Joy', world.key, didOf(ada)]) expect(text).not.toContain(word)
    expect(text).toContain('fhir-read')
  })
})
