import { writeFile } from 'node:fs/promises'
import { personFile } from '@keepwell/daemon/bin/gateway-rules'
import { linked, NO_PERSONS, parted, writePersons } from '@keepwell/daemon/gateway/core/persons'
import type { Actor } from '@keepwell/daemon/gateway/core/types'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { parseScopes } from '@keepwell/sdk/health/smart/scope'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, type Json, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'

// One person's record in two vaults, at two relays with a ledger each: what she keeps herself, and what her daughter keeps for her. A third
// vault is somebody else's.

let world: GatewayWorld
let own: Party
let daughters: Party
let front: string
let behind: string
let stranger: string
let given: Record<string, Uint8Array>

/** An app's token: for one patient, and for documents of one kind alone. */
const tokens = new Map<string, Actor>()
const subject = { reference: 'Patient/1' }
const observation = (id: string, text: string) => ({ resourceType: 'Observation', id, status: 'final', code: { text }, subject })
const names = (body: Json): string[] =>
  (body.entry ?? [])
    .map((e: Json) => e.resource.code?.text)
    .filter(Boolean)
    .sort()
const issues = (body: Json): string => JSON.stringify((body.entry ?? []).filter((e: Json) => e.search?.mode === 'outcome'))
const set = (persons: readonly (readonly string[])[]) => writeFile(personFile(world.clinic.folder), writePersons(persons))
const shown = async (): Promise<string[]> => world.gateway.patients().map(p => p.id)

beforeAll(async () => {
  world = await gatewayWorld({
    homes: ['elsewhere'],
    parts: () => ({
      parts: [],
      async authenticate(r) {
        const actor = tokens.get((r.headers.authorization ?? '').replace('Bearer ', ''))
        if (!actor) throw new KeepwellError('UNAUTHENTICATED', 'No such token.')
        return actor
      },
    }),
  })
  own = await world.patient('Ada')
  daughters = await world.patient('Ada (kept by Byron)', 'elsewhere')
  const other = await world.patient('Carl')
  await files(own, {
    'p.json': { resourceType: 'Patient', id: '1', name: [{ text: 'Ada Secretive' }], birthDate: '1940-01-02' },
    'a.json': observation('a', 'Glucose at home'),
    'letter.txt': 'A letter.',
  })
  await files(daughters, {
    'p.json': { resourceType: 'Patient', id: '1', name: [{ text: 'Ada S.' }] },
    'b.json': observation('b', 'Potassium in the clinic'),
  })
  await files(other, { 'c.json': observation('c', 'Sodium of Carl') })
  front = (await consents(world, own)).id
  ;({ id: behind, commitments: given } = await consents(world, daughters))
  stranger = (await consents(world, other)).id
})
afterAll(() => world.close())

test('two vaults are two patients until the organisation says that they are one person’s, and then one record from two relays', async () => {
  expect(names((await world.ask('GET', `Observation?patient=${front}`)).body)).toEqual(['Glucose at home'])
  expect(names((await world.ask('GET', `Observation?patient=${behind}`)).body)).toEqual(['Potassium in the clinic'])
  const written = await world.ask('POST', 'Observation', {
    ...observation('', 'Before'),
    id: undefined,
    subject: { reference: `Patient/${behind}` },
  })
  expect(written.status).toBe(201)
  await set(linked(NO_PERSONS, front, behind))
  await until(async () => (await shown()).length === 2)
  expect(await shown()).toEqual([front, stranger].sort())
  const { body, headers } = await world.ask('GET', `Observation?patient=${front}`)
  expect(names(body)).toEqual(['Before', 'Glucose at home', 'Potassium in the clinic'])
  expect(new Set(body.entry.map((e: Json) => e.resource.subject.reference))).toEqual(new Set([`Patient/${front}`]))
  expect(headers.get('x-keepwell-partial')).toBeNull()
  const everything = (await world.ask('GET', `Patient/${front}/$everything`)).body
  expect(everything.entry.filter((e: Json) => e.resource.resourceType === 'Patient')).toHaveLength(1)
  expect(names(everything)).toHaveLength(3)
  // What this organisation named while it was alone is found by its name.
  const id = written.headers.get('location')!.split('/Observation/')[1]!.split('/')[0]!
  expect(id.startsWith(behind)).toBe(true)
  expect((await world.ask('GET', `Observation/${id}`)).body.code.text).toBe('Before')
  expect(names((await world.ask('GET', `Observation?patient=${stranger}`)).body)).toEqual(['Sodium of Carl'])
})

test('the id behind is refused with the one in front, for a search by it would find nothing', async () => {
  for (const path of [
    `Observation?patient=${behind}`,
    `Patient/${behind}`,
    `Patient/${behind}/$everything`,
    `Patient/${behind}/Observation`,
  ]) {
    const { status, text } = await world.ask('GET', path)
    expect([path, status, text.includes(front)]).toEqual([path, 404, true])
  }
  const writing = await world.ask('POST', 'Observation', {
    ...observation('', 'Lost'),
    id: undefined,
    subject: { reference: `Patient/${behind}` },
  })
  expect([writing.status, writing.text.includes(front)]).toEqual([404, true])
})

test('each vault gets the receipts of its own, a new version lies where the old one does, what is new in front', async () => {
  const { body } = await world.ask('GET', `Observation?patient=${front}`)
  const [before] = body.entry.map((e: Json) => e.resource).filter((r: Json) => r.code.text === 'Before')
  const amended = await world.ask('PUT', `Observation/${before.id}`, { ...before, status: 'amended' })
  expect(amended.status).toBe(200)
  const fresh = await world.ask('POST', 'Observation', {
    ...observation('', 'After'),
    id: undefined,
    subject: { reference: `Patient/${front}` },
  })
  expect(fresh.status).toBe(201)
  await receiveRecords(own)
  await receiveRecords(daughters)
  const titles = async (party: Party) =>
    (await listEntries(party)).flatMap(e => (e.card.resourceType === 'Observation' ? [e.card.title] : [])).sort()
  expect(await titles(own)).toEqual(['After', 'Glucose at home'])
  expect(await titles(daughters)).toEqual(['Before', 'Before', 'Potassium in the clinic'])
  const readers = async (party: Party) => (await verifyTrail(party)).looked.filter(l => l.receipt.person === 'Nurse Joy').length
  expect(await readers(own)).toBeGreaterThan(0)
  expect(await readers(daughters)).toBeGreaterThan(0)
  const both = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      { resource: { ...before, status: 'corrected' }, request: { method: 'PUT', url: `Observation/${before.id}` } },
      ...body.entry
        .filter((e: Json) => e.resource.code.text === 'Glucose at home')
        .map((e: Json) => ({
          resource: { ...e.resource, status: 'corrected' },
          request: { method: 'PUT', url: `Observation/${e.resource.id}` },
        })),
    ],
  }
  expect((await world.ask('POST', '', both)).status).toBe(400)
})

test('a relay that does not answer leaves the other’s part, which says so; nothing is decided by a part', async () => {
  await world.network.home('elsewhere').restart(async () => {
    await world.restart()
    await until(async () => (await shown()).length === 2)
    const { status, body, headers } = await world.ask('GET', `Observation?patient=${front}`)
    expect([status, names(body)]).toEqual([200, ['After', 'Glucose at home']])
    expect(headers.get('x-keepwell-partial')).toBe('yes')
    expect(issues(body)).toContain('does not answer now')
    expect(issues((await world.ask('GET', `Patient/${front}/$everything`)).body)).toContain('does not answer now')
    expect((await world.ask('GET', `Patient/${front}/$summary`)).status).toBe(503)
    const once = { 'if-none-exist': `code:text=Potassium` }
    const guarded = { ...observation('', 'Potassium'), id: undefined, subject: { reference: `Patient/${front}` } }
    expect((await world.ask('POST', 'Observation', guarded, once)).status).toBe(503)
    // Whoever is alone at a relay that does not answer is told so.
    expect((await world.ask('GET', `Observation?patient=${stranger}`)).status).toBe(200)
  })
  await world.restart()
  expect(names((await world.ask('GET', `Observation?patient=${front}`)).body)).toContain('Potassium in the clinic')
})

test('who looked is told of the person, and noted of the vault', async () => {
  const { body } = await world.ask('GET', `AuditEvent?patient=${front}&_count=500`)
  const patients = (e: Json): string[] => e.resource.entity.filter((x: Json) => x.role?.code === '1').map((x: Json) => x.what.reference)
  const told = new Set(body.entry.flatMap(patients))
  expect(told).toEqual(new Set([`Patient/${front}`]))
  expect(body.total).toBeGreaterThan((await world.ask('GET', `AuditEvent?patient=${stranger}`)).body.total)
})

test('bytes of a document are given to a token that may see the document, by whatever name they are asked', async () => {
  const { body } = await world.ask('GET', `DocumentReference?patient=${front}`)
  const [url] = body.entry.map((e: Json) => e.resource.content[0].attachment.url).filter(Boolean)
  const record = url.split('.').pop()
  const actor = (scope: string): Actor => ({ person: 'App', role: 'app', purpose: 'TREAT', scopes: parseScopes(scope), patient: front })
  tokens.set('none', actor('patient/DocumentReference.rs?type=http://loinc.org|1 patient/Binary.rs'))
  tokens.set('all', actor('patient/DocumentReference.rs patient/Binary.rs'))
  const as = (token: string) => world.asking({ authorization: `Bearer ${token}` })
  expect((await as('all')('GET', url)).text).toBe('A letter.')
  for (const name of [url, `Binary/x.${record}`, `Binary/${behind}.${record}`])
    expect([name, (await as('none')('GET', name)).status]).toEqual([name, 403])
})

test('a token for either ends when they are linked or parted, and a consent that ends takes its part', async () => {
  const ended: string[] = []
  const stop = world.gateway.onEnded(id => void ended.push(id))
  await set(parted(linked(NO_PERSONS, front, behind), behind))
  await until(async () => (await shown()).length === 3)
  await until(() => ended.includes(front) && ended.includes(behind))
  expect(names((await world.ask('GET', `Observation?patient=${front}`)).body)).toEqual(['After', 'Glucose at home'])
  await set(linked(NO_PERSONS, front, behind))
  await until(async () => (await shown()).length === 2)
  expect(names((await world.ask('GET', `Observation?patient=${front}`)).body)).toHaveLength(4)
  await revoke(daughters, given.read!)
  await until(async () => names((await world.ask('GET', `Observation?patient=${front}`)).body).length === 2)
  stop()
})

test('a list that is none, or names a record twice, changes nothing', async () => {
  await writeFile(personFile(world.clinic.folder), JSON.stringify([[front, stranger], [stranger]]))
  await until(() => world.logged.some(l => 'task' in l && l.task === 'persons'))
  expect(await shown()).toContain(stranger)
})
