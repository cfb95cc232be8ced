import { openProvider } from '@keepwell/adapters/provider/http'
import { NOTHING_SEEN, newReceipts } from '@keepwell/sdk/actions/access/new-receipts'
import { type Arrival, receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { text, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import type { Provider } from '@keepwell/sdk/ports/provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consents, files, type GatewayWorld, gatewayWorld, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { didOf } from '#e2e/story'

const NURSE = { person: 'Schwester Jörg', role: 'nurse' }
const DAY = 86_400

let world: GatewayWorld
let ada: Party
let provider: Provider

beforeAll(async () => {
  world = await gatewayWorld()
  ada = await world.patient('Ada')
  provider = openProvider({ url: world.running.url, key: world.key })
})
afterAll(() => world.close())

test('a provider asks, the patient agrees, a record goes in and out, the consent ends and so does it all', async () => {
  const asked = { patient: didOf(ada), purpose: 'TREAT', duration: 90 * DAY, parts: ['laboratory'], text: 'For Tuesday' } as const
  const waiting = await provider.requestAccess(asked, NURSE)
  expect(waiting.grant).toBeNull()
  expect(await provider.grant(waiting.patient)).toBeNull()
  const arrived: Arrival[] = await receiveMessages(ada)
  expect(arrived).toMatchObject([
    { kind: 'request', request: { purpose: 'TREAT', compartments: ['laboratory'], seconds: 90 * DAY, text: 'For Tuesday' } },
  ])

  await files(ada, { 'letter.txt': 'A letter to the doctor.' })
  const { id, commitments } = await consents(world, ada)
  expect(id).toBe(waiting.patient)
  expect(await provider.grant(id)).toMatchObject({ patient: id, levels: ['read', 'write'], purposes: ['TREAT'] })
  // What was granted is not asked for again.
  expect((await provider.requestAccess(asked, NURSE)).grant).not.toBeNull()
  expect(await receiveMessages(ada)).toEqual([])

  const told = { name: 'befund.txt', title: 'Befund Schilddrüse', date: '2026-02-03' }
  const [record] = await provider.submitRecord(id, utf8('TSH im Normbereich'), told, NURSE)
  await receiveRecords(ada)
  const filed = (await listEntries(ada)).find(e => toHex(e.id) === record)
  expect(filed?.card).toMatchObject({ title: 'Befund Schilddrüse', start: '2026-02-03', author: didOf(world.clinic) })

  const letter = (await listEntries(ada)).find(e => e.card.title.startsWith('letter'))!
  const got = await provider.getRecord(id, toHex(letter.id), NURSE)
  expect([got?.title, text(got!.data)]).toEqual([letter.card.title, 'A letter to the doctor.'])
  const { receipts } = await newReceipts(ada, NOTHING_SEEN)
  const opened = receipts.filter(r => r.actor === didOf(world.clinic) && r.person)
  expect(new Set(opened.map(r => `${r.person}/${r.role}/${r.purpose}`))).toEqual(new Set(['Schwester Jörg/nurse/TREAT']))
  expect(await provider.getRecord(id, '00'.repeat(16), NURSE)).toBeNull()

  for (const commitment of Object.values(commitments)) await revoke(ada, commitment)
  await until(async () => (await provider.grant(id)) === null)
  await expect(provider.getRecord(id, toHex(letter.id), NURSE)).rejects.toMatchObject({ code: 'NO_GRANT' })
  await expect(provider.submitRecord(id, utf8('x'), told, NURSE)).rejects.toMatchObject({ code: 'NO_GRANT' })
})

test('the wrong party gets nothing: no key, a stranger’s key, a patient who granted nothing, a request in somebody’s place', async () => {
  const { id } = await consents(world, await world.patient('Eve'))
  const stranger = openProvider({ url: world.running.url, key: `${world.key.slice(0, -1)}${world.key.endsWith('A') ? 'B' : 'A'}` })
  await expect(stranger.grant(id)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  await expect(stranger.submitRecord(id, utf8('x'), { name: 'x' }, NURSE)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  await expect(provider.getRecord('0'.repeat(20), '00'.repeat(16), NURSE)).rejects.toMatchObject({ code: 'NO_GRANT' })
  const narrow = await world.asking({ 'x-keepwell-patient': id })(
    'POST',
    `${world.running.url}/api/v1/access-requests`,
    {
      patient: didOf(ada),
      purpose: 'TREAT',
      duration: DAY,
    },
    { 'content-type': 'application/json' },
  )
  expect([narrow.status, narrow.body.code]).toEqual([403, 'DENIED'])
})

test('what is wrong about a request is said by name, and never repeated', async () => {
  const { id } = await consents(world, await world.patient('Bo'))
  const path = `${world.running.url}/api/v1/patients/${id}/records`
  const without = await world.ask('POST', path, 'x')
  expect([without.status, without.body.code]).toEqual([400, 'BAD_INPUT'])
  const wrong = await world.ask('POST', path, 'x', {
    'keepwell-metadata': Buffer.from('{"name":"a","diagnosis":"Zyx"}').toString('base64url'),
  })
  expect(wrong.status).toBe(400)
  expect(wrong.text).not.toContain('Zyx')
  const nobody = { patient: 'did:ethr:0x1:0x0000000000000000000000000000000000000001', purpose: 'TREAT', duration: DAY } as const
  await expect(provider.requestAccess(nobody, NURSE)).rejects.toMatchObject({ code: expect.stringMatching(/UNKNOWN_PARTY|BAD_INPUT/) })
})
