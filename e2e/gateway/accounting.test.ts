import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Actor } from '@keepwell/daemon/gateway/core/types'
import type { Evidence } from '@keepwell/sdk/actions/access/ask'
import { checkEvidence } from '@keepwell/sdk/actions/access/check-evidence'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { trailEvents } from '@keepwell/sdk/actions/access/trail-events'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { tellAmended } from '@keepwell/sdk/actions/rights/amended'
import { setLimits } from '@keepwell/sdk/actions/rights/limits'
import { tellEach } from '@keepwell/sdk/actions/rights/tell'
import { toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { decode } from '@keepwell/sdk/base/cbor'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { checkResource } from '@keepwell/sdk/health/fhir/check'
import { parseScopes } from '@keepwell/sdk/health/smart/scope'
import type { Told } from '@keepwell/sdk/wire/rights'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, type Json, lateAnswers, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { didOf } from '#e2e/story'

let world: GatewayWorld
let ada: Party
let bob: Party
let id: string
let bobs: string
let commitments: Record<string, Uint8Array>

const late = lateAnswers()

/** Tokens of a SMART server that is not here: what each may is in its name. */
const SCOPES: Readonly<Record<string, string>> = { wide: 'user/*.cruds', auditor: 'user/AuditEvent.rs', app: 'patient/AuditEvent.rs' }
const actorOf = (token: string): Actor => {
  if (!SCOPES[token]) throw new KeepwellError('UNAUTHENTICATED', 'No such token.')
  const patient = token === 'app' ? bobs : null
  return { person: `Somebody ${token}`, role: 'auditor', purpose: 'TREAT', scopes: parseScopes(SCOPES[token]), patient }
}
const as = (token: string) => world.asking({ authorization: `Bearer ${token}` })

const observation = (patient: string, value: number) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
  subject: { reference: `Patient/${patient}` },
  valueQuantity: { value, unit: 'cm', system: 'http://unitsofmeasure.org', code: 'cm' },
})

const found = (bundle: Json): Json[] => (bundle.entry ?? []).map((e: Json) => e.resource)
const entity = (event: Json, system: string): string[] =>
  event.entity.flatMap((e: Json) => (e.what.identifier?.system === system ? [e.what.identifier.value] : []))

beforeAll(async () => {
  world = await gatewayWorld({
    ctx: late.ctx,
    parts: () => ({ parts: [], authenticate: async r => actorOf((r.headers.authorization ?? '').replace('Bearer ', '')) }),
  })
  ada = await world.patient('Ada')
  bob = await world.patient('Bob')
  await files(ada, { 'height.json': observation('1', 170), 'letter.txt': 'A letter.' })
  await world.network.home('home').open.relay.anchor()
  ;({ id, commitments } = await consents(world, ada))
  ;({ id: bobs } = await consents(world, bob, ['read']))
})
afterAll(() => world.close())

describe('where a record comes from', () => {
  test('each has a Provenance by its signature: who signed, when, anchored where', async () => {
    const [height] = found((await world.ask('GET', `Observation?patient=${id}`)).body)
    const [source, ...more] = found((await world.ask('GET', `Provenance?target=Observation/${height!.id}`)).body)
    expect(more).toEqual([])
    expect(source).toMatchObject({
      agent: [{ who: { identifier: { value: didOf(ada) }, display: 'Ada' } }],
      recorded: height!.meta.lastUpdated,
      signature: [{ who: { identifier: { value: didOf(ada) } }, sigFormat: 'application/cbor', extension: [{ valueBoolean: true }] }],
      extension: [{ url: 'urn:keepwell:anchor' }],
    })
    expect(source!.target).toContainEqual({ reference: `Observation/${height!.id}/_history/${height!.meta.versionId}` })
    expect(decode(Buffer.from(source!.signature[0].data, 'base64'))).toMatchObject({ type: 'batch', signer: didOf(ada) })
    expect(await checkResource(source)).toEqual([])
    const [letter] = found((await world.ask('GET', `DocumentReference?patient=${id}`)).body)
    expect(found((await world.ask('GET', `Provenance?target=DocumentReference/${letter!.id}`)).body)).toHaveLength(1)
    const both = (await world.ask('GET', `Observation?_id=${height!.id}&_revinclude=Provenance:target`)).body
    expect(both.entry.map((e: Json) => [e.resource.resourceType, e.search.mode])).toEqual([
      ['Observation', 'match'],
      ['Provenance', 'include'],
    ])
    expect((await world.ask('GET', `Provenance/${source!.id}`)).body.id).toBe(source!.id)
  })

  test('what the gateway writes names the person, on the record and on the patient’s receipt; another reader finds the signature too', async () => {
    const made = (await world.ask('POST', 'Observation', observation(id, 171))).body
    const written = (await verifyTrail(ada)).looked.filter(l => l.receipt.action === 'create')
    expect(written.map(l => [l.receipt.person, l.receipt.role])).toEqual([['Nurse Joy', 'nurse']])
    const other = world.asking({ 'x-keepwell-person': 'Dr. Grace', 'x-keepwell-role': 'physician' })
    const sources = found((await other('GET', `Provenance?target=Observation/${made.id}`)).body)
    expect(sources.map(p => p.agent[0].who.display).sort()).toEqual(['Clinic', 'Nurse Joy'])
  })
})

describe('who looked', () => {
  test('each opening and write is an AuditEvent that names person, role, purpose and records, and is valid', async () => {
    const all = found((await world.ask('GET', `AuditEvent?patient=${id}&_count=100`)).body)
    const seen = (e: Json) => [e.action, e.agent[1].name, e.agent[1].role[0].text, e.purposeOfEvent[0].coding[0].code, e.outcome]
    expect(all.map(seen)).toContainEqual(['R', 'Nurse Joy', 'nurse', 'TREAT', '0'])
    expect(all.map(seen)).toContainEqual(['C', 'Nurse Joy', 'nurse', 'TREAT', '0'])
    expect(all.map(seen)).toContainEqual(['E', 'Dr. Grace', 'physician', 'TREAT', '0'])
    for (const event of all) expect(await checkResource(event)).toEqual([])
    const [height] = found((await world.ask('GET', `Observation?patient=${id}&_sort=_lastUpdated`)).body)
    const looks = found((await world.ask('GET', `AuditEvent?patient=${id}&entity=Observation/${height!.id}&action=R`)).body)
    expect(looks.map(e => e.agent[1].name).sort()).toEqual(['Dr. Grace', 'Nurse Joy'])
    const count = async (query: string) => (await world.ask('GET', `AuditEvent?${query}`)).body.total
    expect(await count(`patient=${id}&agent-name:contains=Grace&subtype=read`)).toBe(3)
    expect(await count(`patient=${id}&date=lt2020`)).toBe(0)
    expect(await count(`patient=${bobs}`)).toBe(0)
  })

  test('each is backed by what the relay signed, which an auditor verifies and the patient has too', async () => {
    const events = found((await world.ask('GET', `AuditEvent?patient=${id}&action=R&_count=100`)).body)
    const own = new Map((await verifyTrail(ada)).looked.map(l => [`${l.receipt.relay}#${l.receipt.seq}`, l]))
    expect(events.length).toBeGreaterThan(2)
    const relay = world.network.home('home').url
    for (const event of events) {
      const { body } = await world.ask('GET', `AuditEvent/${event.id}/$evidence`)
      const value = (name: string) => Object.values(body.parameter.find((p: Json) => p.name === name))[1] as string
      const evidence = decode(Buffer.from(value('evidence'), 'base64')) as Evidence
      const said = await checkEvidence(bob, relay, evidence)
      const looked = own.get(entity(event, 'urn:keepwell:receipt')[0]!)!
      expect([said.person, said.ids.map(toHex)]).toEqual([event.agent[1].name, entity(event, 'urn:keepwell:record')])
      expect(event.entity.at(-1).detail.map((d: Json) => d.valueString)).toEqual([String(looked.index), toHex(looked.hash)])
      const other = own.get(`${said.relay}#1`)!
      const moved = { ...evidence, inclusion: { ...evidence.inclusion, index: other.index } }
      await expect(checkEvidence(bob, relay, moved)).rejects.toMatchObject({ code: 'BAD_PROOF' })
    }
    const [write] = found((await world.ask('GET', `AuditEvent?patient=${id}&action=C`)).body)
    expect(entity(write!, 'urn:keepwell:acceptance')).toHaveLength(1)
  })

  test('a refusal is one as well: without a consent, without a right', async () => {
    expect((await world.ask('GET', `Observation?patient=${id}`, undefined, { 'x-keepwell-purpose': 'HRESCH' })).status).toBe(403)
    expect((await world.ask('POST', 'Observation', observation(bobs, 1))).status).toBe(403)
    expect((await as('auditor')('GET', `Observation?patient=${bobs}`)).status).toBe(403)
    const refused = async (patient: string) => found((await world.ask('GET', `AuditEvent?patient=${patient}&outcome=4`)).body)
    expect((await refused(id)).map(e => e.outcomeDesc)).toEqual(['The patient gave no live consent to read for that purpose.'])
    expect((await refused(bobs)).map(e => e.outcomeDesc)).toContain('The patient gave no live consent to write.')
    const all = found((await world.ask('GET', 'AuditEvent?outcome=4&agent-name=Somebody')).body)
    expect(all.map(e => e.outcomeDesc)).toEqual(['search Observation: The token’s scopes do not allow that with Observation.'])
    expect((await world.ask('GET', `AuditEvent/${all[0]!.id}/$evidence`)).status).toBe(404)
  })

  test('is for those whose token names it, and of one patient for a token of one', async () => {
    expect((await as('wide')('GET', `AuditEvent?patient=${id}`)).status).toBe(403)
    expect((await as('auditor')('GET', `AuditEvent?patient=${id}`)).body.total).toBeGreaterThan(3)
    const [event] = found((await world.ask('GET', `AuditEvent?patient=${id}`)).body)
    const app = as('app')
    expect((await app('GET', `AuditEvent?patient=${id}`)).status).toBe(403)
    expect((await app('GET', `AuditEvent/${event!.id}`)).status).toBe(404)
    expect((await app('GET', `AuditEvent/${event!.id}/$evidence`)).status).toBe(404)
    expect(found((await app('GET', 'AuditEvent')).body).every(e => e.entity[0].what.reference === `Patient/${bobs}`)).toBe(true)
  })

  test('names the refusals of a frozen record, whose open sessions ended when the patient froze it', async () => {
    const actor: Actor = { person: 'Nurse Joy', role: 'nurse', purpose: 'TREAT', scopes: null, patient: null }
    const session = await world.gateway.session(actor, id)
    await setLimits(ada, { frozen: true })
    await until(() => session.ended.aborted)
    expect((await world.ask('GET', `Observation?patient=${id}`)).status).toBe(403)
    const refused = found((await world.ask('GET', `AuditEvent?patient=${id}&outcome=4,8,12`)).body)
    expect(JSON.stringify(refused)).toContain('restricted')
    await setLimits(ada, { frozen: false })
    const again = await world.gateway.session(actor, id)
    await again.ready()
    expect(again.records.size).toBeGreaterThan(1)
  })

  test('says that the patient told of a correction; what was open ends, and is read anew with the newer version', async () => {
    const actor: Actor = { person: 'Nurse Joy', role: 'nurse', purpose: 'TREAT', scopes: null, patient: null }
    const session = await world.gateway.session(actor, id)
    await session.ready()
    await tellAmended({ ...ada, clock: () => ada.clock() - 60 })
    const [old] = (await listEntries(ada)).filter(e => e.card.title.startsWith('Body height'))
    const body = utf8(JSON.stringify(observation('1', 171)))
    const facts = { resourceType: 'Observation', title: 'Body height: 171 cm', codes: [] }
    const { compartment, card } = old!
    const amended = {
      id: ada.random(16),
      kind: 'fhir',
      mediaType: card.mediaType,
      compartment,
      authoredAt: ada.clock(),
      body,
      facts,
    } as const
    const toldOf = async (patient: string) => (await world.ask('GET', `AuditEvent?patient=${patient}&agent-name=The patient`)).body.total
    // Somebody else's word about it is theirs, and ends nothing.
    const what: Told = { event: 'amended', records: [old!.id], purposes: [] }
    await tellEach(bob, [{ did: world.gateway.did, name: 'Clinic', what }])
    await until(async () => (await toldOf(bobs)) === 1)
    await fileRecords(ada, [{ ...amended, prior: old!.id }])
    expect(session.ended.aborted).toBe(false)
    expect((await tellAmended(ada)).told).toEqual([world.gateway.name])
    await until(() => session.ended.aborted)
    expect(await toldOf(id)).toBe(1)
    const again = await world.gateway.session(actor, id)
    await again.ready()
    expect((await world.ask('GET', `Observation?patient=${id}`)).body.entry.map((e: Json) => e.resource.valueQuantity.value)).toContain(171)
  })

  test('says that the patient erased something; what was open ends at once, and nothing shows it any more', async () => {
    await files(ada, { 'gone.json': observation('gone', 99) })
    // Somebody who opens it now, for an open session looks again after half a minute.
    const fresh = world.asking({ 'x-keepwell-person': 'Nurse Ivy', 'x-keepwell-role': 'nurse' })
    const shown = async () => (await fresh('GET', `Observation?patient=${id}`)).body.entry.map((e: Json) => e.resource.valueQuantity.value)
    const actor: Actor = { person: 'Nurse Ivy', role: 'nurse', purpose: 'TREAT', scopes: null, patient: null }
    expect(await shown()).toContain(99)
    const session = await world.gateway.session(actor, id)
    await session.ready()
    const [gone] = (await listEntries(ada)).filter(e => e.card.title.includes('99'))
    expect(session.records.has(toHex(gone!.id))).toBe(true)
    // Somebody else's word about it ends nothing.
    const what: Told = { event: 'erased', records: [gone!.id], purposes: [] }
    const erased = async (patient: string) =>
      (await world.ask('GET', `AuditEvent?patient=${patient}&agent-name=The patient&action=D`)).body.total
    await tellEach(bob, [{ did: world.gateway.did, name: 'Clinic', what }])
    await until(async () => (await erased(bobs)) === 1)
    expect(session.ended.aborted).toBe(false)
    expect((await eraseRecords(ada, [gone!.id])).told).toEqual([world.gateway.name])
    await until(() => session.ended.aborted)
    expect(session.ended.reason.message).toContain('erased')
    expect(await shown()).not.toContain(99)
    expect(await erased(id)).toBe(1)
  })

  test('has what was on its way as the gateway was stopped, in the middle of an opening', async () => {
    const actor: Actor = { person: 'Dr. Late', role: 'physician', purpose: 'TREAT', scopes: null, patient: null }
    const open = await world.gateway.session({ ...actor, person: 'Dr. Early' }, id)
    const { waits, release } = late.hold()
    const opening = world.gateway.session(actor, id).catch(e => e.code)
    await until(waits)
    const again = world.restart()
    await until(() => open.ended.aborted)
    release()
    await again
    expect(await opening).toBe('STOPPING')
    expect(world.logged.filter(l => 'code' in l && l.code === 'STORAGE_FAILED')).toEqual([])
    const own = (await verifyTrail(ada)).looked.filter(l => l.receipt.person === 'Dr. Late')
    const events = found((await world.ask('GET', `AuditEvent?patient=${id}&agent-name=Dr. Late`)).body)
    expect(own.length).toBeGreaterThan(0)
    expect(events.flatMap(e => entity(e, 'urn:keepwell:receipt')).sort()).toEqual(
      own.map(l => `${l.receipt.relay}#${l.receipt.seq}`).sort(),
    )
  })

  test('outlives the consent and a restart, and no word of it lies open', async () => {
    const before = (await world.ask('GET', `AuditEvent?patient=${id}`)).body.total
    await revoke(ada, commitments.read!)
    await world.restart()
    expect((await world.ask('GET', `AuditEvent?patient=${id}`)).body.total).toBe(before)
    for (const name of (await readdir(world.clinic.folder)).filter(n => n.startsWith('gateway-trail'))) {
      const bytes = await readFile(join(world.clinic.folder, name))
      for (const word of ['Nurse Joy', id, 'physician', didOf(ada)])
        expect(bytes.includes(Buffer.from(word)), `${name}: ${word}`).toBe(false)
    }
  })

  test('the patient has it from their own log, as the same kind of resource', async () => {
    await receiveRecords(ada)
    const bundle = trailEvents((await verifyTrail(ada)).looked, { did: didOf(ada), name: 'Ada' })
    expect(await checkResource(bundle)).toEqual([])
    const events = found(bundle)
    const joy = events.filter(e => e.agent[1]?.name === 'Nurse Joy' && e.action === 'R')
    expect(joy.length).toBeGreaterThan(0)
    expect(joy[0]!.agent[0].who).toEqual({ identifier: { system: 'urn:ietf:rfc:3986', value: didOf(world.clinic) }, display: 'Clinic' })
    expect(events.flatMap(e => entity(e, 'urn:keepwell:receipt'))).toHaveLength(events.length)
  })
})
