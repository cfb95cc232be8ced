import { NOTHING_SEEN, newReceipts } from '@keepwell/sdk/actions/access/new-receipts'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, NURSE, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { didOf } from '#e2e/story'

let world: GatewayWorld
let ada: Party
let id: string
let commitments: Record<string, Uint8Array>

const weight = (value: number, more = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }],
  code: { coding: [{ system: 'http://loinc.org', code: '29463-7', display: 'Body weight' }] },
  subject: { reference: `Patient/${id}` },
  effectiveDateTime: '2026-03-01T10:00:00Z',
  valueQuantity: { value, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
  ...more,
})

const HOSPITAL = {
  resourceType: 'Bundle',
  type: 'collection',
  entry: [
    {
      fullUrl: 'https://other.example/fhir/Patient/7',
      resource: {
        resourceType: 'Patient',
        id: '7',
        name: [{ family: 'Example', given: ['Ada'] }],
        birthDate: '1980-02-03',
        gender: 'female',
      },
    },
    {
      fullUrl: 'https://other.example/fhir/Observation/o1',
      resource: {
        resourceType: 'Observation',
        id: 'o1',
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
        subject: { reference: 'Patient/7' },
        encounter: { reference: 'Encounter/e1' },
        valueQuantity: { value: 170, unit: 'cm', system: 'http://unitsofmeasure.org', code: 'cm' },
      },
    },
    {
      fullUrl: 'https://other.example/fhir/Encounter/e1',
      resource: {
        resourceType: 'Encounter',
        id: 'e1',
        status: 'finished',
        class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
        subject: { reference: 'https://other.example/fhir/Patient/7' },
      },
    },
  ],
}

beforeAll(async () => {
  world = await gatewayWorld()
  ada = await world.patient('Ada')
  await files(ada, { 'hospital.json': HOSPITAL, 'letter.txt': 'A letter to the doctor.' })
  ;({ id, commitments } = await consents(world, ada))
})
afterAll(() => world.close())

describe('an organisation reads what it was granted, by FHIR', () => {
  test('without a key nothing is answered, and the refusal is an OperationOutcome', async () => {
    const answer = await world.ask('GET', `Patient/${id}`, undefined, { authorization: '' })
    expect([answer.status, answer.body.resourceType, answer.body.issue[0].code]).toEqual([401, 'OperationOutcome', 'login'])
    expect(
      (
        await world.ask('GET', `Patient/${id}`, undefined, {
          authorization: `Bearer ${world.key.slice(0, -1)}${world.key.endsWith('x') ? 'y' : 'x'}`,
        })
      ).status,
    ).toBe(401)
  })

  test('the patient is there under an id that does not tell the DID', async () => {
    const answer = await world.ask('GET', `Patient/${id}`)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ resourceType: 'Patient', id, birthDate: '1980-02-03' })
    expect(answer.text).not.toContain(ada.session.state.ring.did)
  })

  test('references that meant another server’s ids lead to this gateway’s', async () => {
    const found = await world.ask('GET', `Observation?patient=${id}&code=http://loinc.org|8302-2&_include=Observation:encounter`)
    expect(found.body.total).toBe(1)
    const [observation, encounter] = found.body.entry.map((e: { resource: unknown }) => e.resource)
    expect(observation.subject.reference).toBe(`Patient/${id}`)
    expect(observation.encounter.reference).toBe(`Encounter/${encounter.id}`)
    expect(encounter.subject.reference).toBe(`Patient/${id}`)
    expect((await world.ask('GET', `Encounter/${encounter.id}`)).status).toBe(200)
  })

  test('a file that is no FHIR is a DocumentReference, and its bytes a Binary', async () => {
    const found = await world.ask('GET', `DocumentReference?patient=${id}`)
    const { attachment } = found.body.entry[0].resource.content[0]
    const bytes = await world.ask('GET', attachment.url, undefined, { accept: '*/*' })
    expect([bytes.status, bytes.text, bytes.headers.get('content-disposition')]).toEqual([200, 'A letter to the doctor.', 'attachment'])
  })

  test('each receipt names the person who asked', async () => {
    const { receipts } = await newReceipts(ada, NOTHING_SEEN)
    const read = receipts.filter(r => r.action === 'list' || r.action === 'view')
    expect(read.length).toBeGreaterThan(1)
    for (const r of read.filter(r => r.actor === didOf(world.clinic)))
      expect([r.person, r.role, r.purpose]).toEqual(['Nurse Joy', 'nurse', 'TREAT'])
  })
})

describe('and writes under the consent to write', () => {
  let created: Awaited<ReturnType<GatewayWorld['ask']>>

  test('what is created is signed, in the patient’s record, and at once in the writer’s own session', async () => {
    created = await world.ask('POST', 'Observation', weight(70.5))
    expect([created.status, created.text.length > 0]).toEqual([201, true])
    expect(created.headers.get('location')).toContain(`/Observation/${created.body.id}/_history/${created.body.meta.versionId}`)
    const read = await world.ask('GET', `Observation/${created.body.id}`)
    expect(read.body.valueQuantity.value).toBe(70.5)
    await receiveRecords(ada)
    const mine = (await listEntries(ada)).filter(
      e => e.card.resourceType === 'Observation' && e.card.author === world.clinic.session.state.ring.did,
    )
    expect(mine.map(e => e.state)).toEqual(['verified'])
  })

  test('an update is a new version that follows the one it knew; whoever knew an older one is told so', async () => {
    const { id: oid, meta } = created.body
    const changed = { ...created.body, valueQuantity: { ...created.body.valueQuantity, value: 71 } }
    const updated = await world.ask('PUT', `Observation/${oid}`, changed, { 'if-match': `W/"${meta.versionId}"` })
    expect([updated.status, updated.body.valueQuantity.value]).toEqual([200, 71])
    expect((await world.ask('PUT', `Observation/${oid}`, created.body, { 'if-match': `W/"${meta.versionId}"` })).status).toBe(412)
    const history = await world.ask('GET', `Observation/${oid}/_history`)
    expect(history.body.entry.map((e: { resource: { valueQuantity: { value: number } } }) => e.resource.valueQuantity.value)).toEqual([
      71, 70.5,
    ])
    const again = await world.ask('PUT', `Observation/${oid}`, updated.body)
    expect(again.body.meta.versionId).toBe(updated.body.meta.versionId)
  })

  test('another patient’s resource is not written into this record', async () => {
    const answer = await world.asking({ ...NURSE, 'x-keepwell-patient': id })(
      'POST',
      'Observation',
      weight(1, { subject: { reference: 'Patient/someone-else' } }),
    )
    expect([answer.status, answer.body.issue[0].code]).toEqual([422, 'business-rule'])
  })

  test('what breaks FHIR’s rules is refused at its element', async () => {
    const answer = await world.ask('POST', 'Observation', weight(1, { status: 'bogus' }))
    expect([answer.status, answer.body.issue[0].expression]).toEqual([422, ['Observation.status']])
  })
})

describe('when the patient ends the consent', () => {
  test('the session is gone within seconds, and the next request refused', async () => {
    const session = world.gateway.openFor({ person: 'Nurse Joy', role: 'nurse', purpose: 'TREAT', scopes: null, patient: null })
    expect(session).toHaveLength(1)
    await revoke(ada, commitments.read!)
    await until(() => session[0]!.ended.aborted)
    const answer = await world.ask('GET', `Patient/${id}`)
    expect([answer.status, answer.body.issue[0].code]).toEqual([403, 'forbidden'])
    expect(() => session[0]!.store).toThrow()
  })
})
