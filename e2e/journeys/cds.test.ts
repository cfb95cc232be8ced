import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { roleFile } from '@keepwell/daemon/bin/gateway-rules'
import { writeRoleRules } from '@keepwell/daemon/gateway/core/role-rules'
import type { Actor } from '@keepwell/daemon/gateway/core/types'
import { NOTHING_SEEN, newReceipts } from '@keepwell/sdk/actions/access/new-receipts'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ask, consents, files, type GatewayWorld, gatewayWorld, type Json, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { didOf } from '#e2e/story'
import { classpathOf } from '../../tools/maven.ts'

let world: GatewayWorld
let ada: Party
let id: string
let commitments: Record<string, Uint8Array>

const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm'
const AMOXICILLIN = { coding: [{ system: RXNORM, code: '308182', display: 'Amoxicillin 250 MG Oral Capsule' }] }

const RECORD = {
  resourceType: 'Bundle',
  type: 'collection',
  entry: [
    { resource: { resourceType: 'Patient', id: '7', name: [{ family: 'Example' }], birthDate: '1960-02-03', gender: 'female' } },
    {
      resource: {
        resourceType: 'AllergyIntolerance',
        id: 'a1',
        patient: { reference: 'Patient/7' },
        recordedDate: '2019-05-06',
        criticality: 'high',
        clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
        code: { text: 'Amoxicillin' },
      },
    },
    {
      resource: {
        resourceType: 'MedicationRequest',
        id: 'm1',
        status: 'active',
        intent: 'order',
        subject: { reference: 'Patient/7' },
        authoredOn: '2026-01-02',
        medicationCodeableConcept: { coding: [{ system: RXNORM, code: '310965', display: 'Ibuprofen 200 MG Oral Tablet' }] },
      },
    },
  ].map(e => ({ fullUrl: `https://other.example/fhir/${e.resource.resourceType}/${e.resource.id}`, ...e })),
}

const OBSERVER = 'Bearer observer'
const observer: Actor = {
  person: 'App',
  role: 'app',
  purpose: 'TREAT',
  scopes: [{ context: 'patient', type: 'MedicationRequest', c: false, r: true, u: false, d: false, s: true, query: [] }],
  patient: null,
}

const call = async (hook: string, context: Json, { ask = world.ask, ...more }: { ask?: Ask; prefetch?: Json; hook?: string } = {}) =>
  ask(
    'POST',
    `${world.running.url}/cds-services/keepwell-${hook}`,
    {
      hook,
      hookInstance: 'd1577c69-dfbe-44ad-ba6d-3e05e953b2ea',
      context: { userId: 'Practitioner/x', patientId: id, ...context },
      ...more,
    },
    { 'content-type': 'application/json' },
  )

const draft = (medicationCodeableConcept: Json, more: Json = {}) => ({
  resourceType: 'MedicationRequest',
  id: 'd1',
  status: 'draft',
  intent: 'order',
  subject: { reference: `Patient/${id}` },
  medicationCodeableConcept,
  ...more,
})
const drafts = (...orders: Json[]) => ({ draftOrders: { resourceType: 'Bundle', entry: orders.map(resource => ({ resource })) } })

beforeAll(async () => {
  const authenticate = async ({ headers }: { readonly headers: Json }): Promise<Actor> => {
    if (headers.authorization === OBSERVER) return observer
    throw new KeepwellError('UNAUTHENTICATED', 'No token.')
  }
  world = await gatewayWorld({ parts: () => ({ parts: [], authenticate }) })
  ada = await world.patient('Ada')
  await files(ada, { 'record.json': RECORD })
  ;({ id, commitments } = await consents(world, ada, ['read']))
})
afterAll(() => world.close())

describe('decision support on the record a patient opened', () => {
  test('anyone may ask what there is, and what to send along', async () => {
    const answer = await world.ask('GET', `${world.running.url}/cds-services`, undefined, { authorization: '' })
    expect(answer.status).toBe(200)
    expect(answer.body.services.map((s: Json) => s.hook)).toEqual(['patient-view', 'order-sign'])
    expect(answer.body.services[1].prefetch).toEqual({
      patient: 'Patient/{{context.patientId}}',
      medications: 'MedicationRequest?patient={{context.patientId}}&status=active,on-hold',
      allergies: 'AllergyIntolerance?patient={{context.patientId}}',
    })
  })

  test('a patient’s page shows what is due, and each opening has its receipt', async () => {
    const answer = await call('patient-view', {})
    expect([answer.status, answer.body.cards.map((c: Json) => [c.indicator, c.summary])]).toEqual([
      200,
      [
        ['info', 'Influenza vaccination is due'],
        ['info', 'Tetanus vaccination is due'],
      ],
    ])
    const { receipts } = await newReceipts(ada, NOTHING_SEEN)
    const mine = receipts.filter(r => r.actor === didOf(world.clinic))
    expect(mine.length).toBeGreaterThan(0)
    for (const r of mine) expect(r.person).toBe('Nurse Joy')
  })

  test('to a role that the organisation narrowed nothing is due: what is not seen may have been done', async () => {
    const shown = async () => (await call('patient-view', {})).body?.cards?.length as number | undefined
    const say = (rules: Parameters<typeof writeRoleRules>[0]) => writeFile(roleFile(world.clinic.folder), writeRoleRules(rules))
    await say({ nurse: { purposes: null, parts: ['general'] } })
    try {
      await until(async () => (await shown()) !== 2)
      expect(await shown()).toBeFalsy()
    } finally {
      await say({})
    }
    await until(async () => (await shown()) === 2)
  })

  test('an order against an allergy is held up, with the offer to leave it', async () => {
    const { body } = await call('order-sign', drafts(draft(AMOXICILLIN)))
    expect(body.cards).toHaveLength(1)
    const [card] = body.cards
    expect(card).toMatchObject({ indicator: 'critical', selectionBehavior: 'at-most-one' })
    expect(card.detail).toContain('2019-05-06')
    expect(card.suggestions[0].actions).toEqual([expect.objectContaining({ type: 'delete', resourceId: 'MedicationRequest/d1' })])
    const harmless = { coding: [{ system: RXNORM, code: '1', display: 'Paracetamol 500 MG' }] }
    expect((await call('order-sign', drafts(draft(harmless)))).body.cards).toEqual([])
  })

  test('a drug that is taken already is named, also when the order only refers to it', async () => {
    const contained = [{ resourceType: 'Medication', id: 'drug', code: RECORD.entry[2]!.resource.medicationCodeableConcept }]
    const { medicationCodeableConcept: _, ...order } = draft({}, { contained, medicationReference: { reference: '#drug' } })
    const { body } = await call('order-sign', drafts(order))
    expect(body.cards.map((c: Json) => [c.indicator, c.summary])).toEqual([['warning', 'Ibuprofen 200 MG Oral Tablet is ordered already']])
  })

  test('what became of a card is counted once, and for whom it was shown', async () => {
    const { body } = await call('order-sign', drafts(draft(AMOXICILLIN)))
    const send = (ask: Ask, card: string, more: Json = {}) =>
      ask(
        'POST',
        `${world.running.url}/cds-services/keepwell-order-sign/feedback`,
        { feedback: [{ card, outcome: 'overridden', outcomeTimestamp: '2026-11-28T10:00:00Z', ...more }] },
        { 'content-type': 'application/json' },
      )
    const counted = async (): Promise<string | undefined> =>
      /^keepwell_cds_overridden (\d+)$/m.exec((await world.ask('GET', `${world.running.url}/metrics`)).text)?.[1]
    const other = world.asking({ 'x-keepwell-person': 'Mallory' })
    expect([(await send(other, body.cards[0].uuid)).status, await counted()]).toEqual([200, '0'])
    expect([(await send(world.ask, body.cards[0].uuid)).status, await counted()]).toEqual([200, '1'])
    expect([(await send(world.ask, body.cards[0].uuid)).status, await counted()]).toEqual([200, '1'])
    expect((await send(world.ask, body.cards[0].uuid, { outcome: 'ignored' })).status).toBe(400)
    expect((await send(world.asking({ authorization: '' }), body.cards[0].uuid)).status).toBe(401)
  })
})

const hapi = classpathOf('hapi-client')
if (!hapi) console.warn('SKIPPED HAPI’s parts of CDS Hooks: they are not here; the gate fetches them where there are Java and Maven.')

/** A record system of HAPI's parts: gives the hook its data, reads the cards, and says what became of the first. */
async function askedByHapi(hook: string, drafts?: Json): Promise<Json> {
  const program = fileURLToPath(new URL('../../tools/hapi-client/Cds.java', import.meta.url))
  const args = ['-cp', hapi!, program, world.running.url, world.base, world.key, hook, id, ...(drafts ? [JSON.stringify(drafts)] : [])]
  const { stdout } = await promisify(execFile)('java', args)
  return JSON.parse(stdout)
}

/** Cards without what differs from call to call, and without what HAPI's model has no place for. */
const plain = (cards: Json): Json =>
  JSON.parse(JSON.stringify(cards).replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'uuid'), (key, value) =>
    value === null || key === 'resourceId' ? undefined : value,
  )

describe.skipIf(!hapi)('HAPI’s parts of CDS Hooks', () => {
  const accepted = async (): Promise<number> =>
    Number(/^keepwell_cds_accepted (\d+)$/m.exec((await world.ask('GET', `${world.running.url}/metrics`)).text)?.[1])

  test('fetch what a service wants sent along, call it, read its cards whole, and answer them', async () => {
    const seen = await askedByHapi('patient-view')
    expect([seen.status, seen.feedback, seen.unknown]).toEqual([200, 200, []])
    const told = await call('patient-view', {})
    expect(plain(seen.response.cards)).toEqual(plain(told.body.cards))

    const before = await accepted()
    const order = drafts(draft(AMOXICILLIN))
    const signed = await askedByHapi('order-sign', order.draftOrders)
    expect(signed.prefetched.toSorted()).toEqual(['allergies', 'medications', 'patient'])
    expect([signed.status, signed.feedback, signed.unknown]).toEqual([200, 200, ['CdsServiceResponseSuggestionActionJson.resourceId']])
    expect(plain(signed.response.cards)).toEqual(plain((await call('order-sign', order)).body.cards))
    expect(await accepted()).toBe(before + 1)
  })
})

describe('and on no other', () => {
  test('without a key, at another’s data, or by another hook’s call, nothing is run', async () => {
    expect((await call('patient-view', {}, { ask: world.asking({ authorization: '' }) })).status).toBe(401)
    expect((await call('patient-view', { patientId: 'stranger' })).status).toBe(403)
    expect((await call('patient-view', {}, { hook: 'order-sign' })).status).toBe(400)
    expect((await call('order-sign', {})).status).toBe(400)
    const foreign = draft(AMOXICILLIN, { subject: { reference: 'Patient/stranger' } })
    expect((await call('order-sign', drafts(foreign))).status).toBe(400)
    expect((await call('patient-view', {}, { prefetch: { patient: { resourceType: 'Patient', id: 'stranger' } } })).status).toBe(400)
    expect((await world.ask('POST', `${world.running.url}/cds-services/other`, {}, { 'content-type': 'application/json' })).status).toBe(
      404,
    )
  })

  test('what a token may not see does not look like something that was never done', async () => {
    const ask = world.asking({ authorization: OBSERVER })
    expect((await call('patient-view', {}, { ask })).status).toBe(412)
    const prefetch = { patient: { resourceType: 'Patient', id, birthDate: '1960-02-03' } }
    const answer = await call('patient-view', {}, { ask, prefetch })
    expect([answer.status, answer.body.cards]).toEqual([200, []])
  })

  test('a record that is not shared is judged by what the caller sends of it', async () => {
    const prefetch = {
      patient: { resourceType: 'Patient', id: 'elsewhere', birthDate: '1960-02-03' },
      immunizations: {
        resourceType: 'Bundle',
        entry: [
          {
            resource: {
              resourceType: 'Immunization',
              id: 'i',
              status: 'completed',
              patient: { reference: 'Patient/elsewhere' },
              vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '115' }] },
              occurrenceDateTime: new Date().toISOString().slice(0, 10),
            },
          },
        ],
      },
    }
    const answer = await call('patient-view', { patientId: 'elsewhere' }, { prefetch })
    expect(answer.body.cards.map((c: Json) => c.summary)).toEqual(['Influenza vaccination is due'])
    expect((await call('patient-view', { patientId: 'elsewhere' }, { prefetch: { patient: null } })).status).toBe(412)
  })

  test('after the consent has ended', async () => {
    await revoke(ada, commitments.read!)
    await until(async () => (await call('patient-view', {})).status === 403)
  })
})
