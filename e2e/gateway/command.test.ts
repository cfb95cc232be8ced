import { join } from 'node:path'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { invite } from '@keepwell/sdk/actions/access/invite'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '#e2e/gateway.kit'
import { type Network, startNetwork } from '#e2e/network'
import { DAY } from '#e2e/story'
import { type Desk, freePort, seat, temporary } from '../../cli/src/cli.kit.ts'

let network: Network
let clinic: Desk
const folder = temporary()

beforeAll(async () => {
  network = await startNetwork({ homes: [{ name: 'home' }] })
  clinic = seat(join(folder.path, 'clinic'))
  await clinic.json(
    'init',
    '--name',
    'Clinic',
    '--no-passphrase',
    '--relay',
    network.home('home').url,
    '--words-file',
    join(folder.path, 'words'),
  )
})
afterAll(async () => {
  await network.close()
  folder.remove()
})

test('keepwell gateway serves what a patient granted, to whoever has a key, for as long as the key counts', async () => {
  const ada = await network.party('Ada', 'home')
  await clinic.json('join', await invite(ada))
  await receiveMessages(ada)
  const [contact] = ada.session.state.ring.contacts
  const compartments = ada.session.state.ring.compartments.map(c => c.id)
  await grant(ada, { to: contact!.did, level: 'read', purposes: ['TREAT'], compartments, expiry: ada.clock() + DAY })
  const { key } = await clinic.json('gateway', 'key', 'add', '--name', 'Ward system')
  expect((await clinic.run('gateway', 'key', 'add', '--name', 'Ward system')).code).toBe(2)
  expect(JSON.stringify(await clinic.json('gateway', 'key', 'list'))).not.toContain(key.slice(-43))
  const port = await freePort()
  const server = await clinic.serve('gateway', '--port', String(port))
  try {
    const ask = (path: string) => fetch(`http://127.0.0.1:${port}/fhir/${path}`, { headers: { authorization: `Bearer ${key}` } })
    const patients = async () => (await (await ask('Patient')).json()) as { total: number; entry: { resource: { id: string } }[] }
    await until(async () => (await patients()).total === 1)
    expect((await ask(`Patient/${(await patients()).entry[0]!.resource.id}`)).status).toBe(200)
    const renewed = await clinic.json('gateway', 'key', 'renew', '--name', 'Ward system', '--until', '2y')
    const by = (shown: string) =>
      fetch(`http://127.0.0.1:${port}/fhir/Patient`, { headers: { authorization: `Bearer ${shown}` } }).then(r => r.status)
    await until(async () => (await by(renewed.key)) === 200)
    expect(await by(key)).toBe(200)
    await clinic.json('gateway', 'key', 'remove', '--name', 'Ward system')
    await until(async () => (await ask('Patient')).status === 401)
  } finally {
    expect(await server.stop()).toBe(0)
  }
})
