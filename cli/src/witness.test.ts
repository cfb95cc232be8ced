import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openHttpRelay } from '@keepwell/adapters/relay/http'
import { openWitnesses } from '@keepwell/adapters/witness/http'
import { inHome } from '@keepwell/daemon/bin/home'
import { testConfig } from '@keepwell/daemon/bin/home.kit'
import { type Running, relayFolder, startRelay } from '@keepwell/daemon/bin/start'
import { enrolVault } from '@keepwell/daemon/relay/vault.kit'
import { checkpointOf, verifyCosignature } from '@keepwell/sdk/audit/cosign'
import { readLogHead } from '@keepwell/sdk/audit/head'
import { bundleMessage } from '@keepwell/sdk/identity/bundle'
import { peek } from '@keepwell/sdk/identity/signed'
import { afterAll, expect, test } from 'vitest'
import { type Desk, freePort, seat, temporary } from './cli.kit.ts'

const folder = temporary()
const quiet = () => {}
const open: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of open.reverse()) await close()
  folder.remove()
})

/** Where alarms go. */
async function alarms(): Promise<{ readonly url: string; readonly heard: string[] }> {
  const heard: string[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', d => parts.push(d))
    request.on('end', () => {
      heard.push(Buffer.concat(parts).toString())
      response.writeHead(204).end()
    })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  open.push(() => new Promise(done => server.close(done)))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alarm`, heard }
}

const logOf = async (relay: Running): Promise<string> => peek((await relay.home.relay.info()).bundle.signed, bundleMessage).request

async function busy(relay: Running, records: number): Promise<void> {
  const vault = await enrolVault(openHttpRelay({ url: relay.url }))
  for (let i = 0; i < records; i++) await vault.file(100)
  await relay.home.relay.anchor()
}

test('T16: a witness of two relays of one consortium outlasts its own restart, and the ledger marks the one that rewrote its log, not the honest one', {
  timeout: 300_000,
}, async () => {
  const honestConfig = await testConfig(join(folder.path, 'honest'))
  const honest = await startRelay(honestConfig, undefined, quiet)
  open.push(() => honest.close())
  const node = `${honest.url}/rpc`
  const env = { KEEPWELL_LEDGER: node, KEEPWELL_MANIFEST: inHome(relayFolder(honestConfig)).manifest, KEEPWELL_LEDGER_PACE: 'on-demand' }
  const config = await testConfig(join(folder.path, 'lying'), env)
  const startLiar = () => startRelay(config, { ledgerUrl: node, databaseUrl: null }, quiet)
  let liar = await startLiar()
  const log = await logOf(liar)
  await Promise.all([busy(honest, 3), busy(liar, 5)])

  const { url: hook, heard } = await alarms()
  const port = String(await freePort())
  const own: Desk = seat(join(folder.path, 'own'), { KEEPWELL_LEDGER: node })
  const args = [honest.url, liar.url, '--port', port, '--look-every', '1', '--hook', hook, '--hooks-to', '127.0.0.1']
  const once = await own.run('witness', honest.url, liar.url, '--once', '--json')
  expect(once).toMatchObject({ code: 0 })
  expect(JSON.parse(once.out).logs.map((l: { size: number }) => l.size)).toEqual(expect.arrayContaining([5, 3]))

  const first = await own.serve('witness', ...args)
  const door = openWitnesses()(`http://127.0.0.1:${port}`)
  const key = await door.info()
  const seen = (await door.seen(log))!
  const message = readLogHead(seen.head.signed)
  expect(message).toMatchObject({ log, size: 5 })
  expect(await verifyCosignature(key, checkpointOf(seen.chainId, message), seen.cosignature)).toBe(true)
  expect(await door.note(await liar.home.relay.head())).toEqual({ agrees: true, charges: [] })
  const checkpoint = await (await fetch(`http://127.0.0.1:${port}/v1/heads/${log}/checkpoint`)).text()
  expect(checkpoint.startsWith(`${checkpointOf(seen.chainId, message)}\n— keepwell-witness `)).toBe(true)
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('All logs hold')
  expect(await first.stop()).toBe(0)

  // A patient at that relay, who saw its log and asks a witness that saw it too.
  const ada = seat(join(folder.path, 'ada'))
  await ada.json('init', '--name', 'Ada Example', '--relay', liar.url, '--no-passphrase', '--words-file', join(folder.path, 'ada.words'))
  const asking = await own.serve('witness', ...args)
  expect(await ada.json('audit', '--witness', door.url)).toMatchObject({
    problems: [],
    witnesses: [{ name: 'keepwell-witness', charges: [] }],
  })
  expect(await ada.json('audit', '--report')).toMatchObject({ reported: { tx: null } })
  expect(await asking.stop()).toBe(0)

  // What she hands to a lawyer is checked where nobody knows her, and without asking anybody.
  const file = join(folder.path, 'trail.json')
  await ada.json('import', await writeSample())
  expect((await ada.json('audit', '--proof', file)).receipts).toBeGreaterThan(0)
  const lawyer = seat(join(folder.path, 'lawyer'))
  expect(await lawyer.json('verify', file)).toMatchObject({ ok: true, problems: [] })

  // The relay forgets its log and begins another, under the same keys.
  const { size } = readLogHead((await liar.home.relay.head()).signed)
  await liar.close()
  rmSync(inHome(relayFolder(config)).log, { force: true })
  liar = await startLiar()
  open.push(() => liar.close())
  const vault = await enrolVault(openHttpRelay({ url: liar.url }))
  while (readLogHead((await liar.home.relay.head()).signed).size <= size + 1) await vault.file(100)

  const second = await own.serve('witness', ...args)
  open.push(() => second.stop())
  await expect.poll(() => heard.filter(h => h.includes(liar.url)).join()).toContain('two histories')
  await expect.poll(async () => (await honest.home.ledger.trail.latest(log))?.forked).toBe(true)
  expect(await honest.home.ledger.trail.latest(await logOf(honest))).toMatchObject({ forked: false })
  expect(heard.filter(h => h.includes(honest.url))).toEqual([])
  expect((await door.seen(log))!.charges).toContainEqual(expect.objectContaining({ kind: 'fork', tx: expect.stringMatching(/^0x/) }))
  expect((await door.seen(await logOf(honest)))!.charges).toEqual([])
  const page = await (await fetch(`http://127.0.0.1:${port}/`)).text()
  expect(page).toContain('The ledger holds the proof.')
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  expect(metrics).toContain('keepwell_witness_forks 1\n')
  expect(metrics).not.toContain(log)
  const found = await ada.run('audit', '--report', '--json')
  expect(found.code).toBe(5)
  expect(JSON.parse(found.out)).toMatchObject({ reported: { by: liar.url, line: expect.stringContaining('already') } })
})

async function writeSample(): Promise<string> {
  const path = join(folder.path, 'allergy.json')
  writeFileSync(path, JSON.stringify({ resourceType: 'AllergyIntolerance', code: { text: 'Penicillin' }, patient: { display: 'Ada' } }))
  return path
}

test('a witness that cannot see a log says so and accuses nobody; what is no relay’s address is refused', async () => {
  const own = seat(join(folder.path, 'blind'))
  const port = await freePort()
  const ran = await own.run('witness', `http://127.0.0.1:${port}`, '--once')
  expect(ran).toMatchObject({ code: 6 })
  expect(ran.out).toContain('could not be looked at')
  expect((await own.run('witness')).code).toBe(2)
  expect((await own.run('witness', 'relay.example')).code).toBe(2)
  expect((await own.run('witness', `http://127.0.0.1:${port}`, '--name', 'two words')).code).toBe(2)
})
