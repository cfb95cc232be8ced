import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deployContracts } from '@keepwell/adapters/ledger/evm/deploy'
import { httpRequest } from '@keepwell/adapters/ledger/evm/request'
import { systemRandom } from '@keepwell/daemon/bin/relay'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { secpAddress } from '@keepwell/sdk/crypto/secp'
import { afterEach, describe, expect, test } from 'vitest'
import { DEEP } from '#e2e/faults/world'
import { startNetwork } from '#e2e/network'
import { draft, introduce, read, share } from '#e2e/story'
import { findGeth, startGeth } from '#tools/geth'
import { postgresBin, startPostgres } from '#tools/postgres'

const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

type Backend = { readonly settings: Record<string, string>; fund?(account: string): Promise<void> }

async function postgres(): Promise<Backend> {
  const server = await startPostgres()
  opened.push(() => server.stop())
  return { settings: { KEEPWELL_DATABASE: server.url } }
}

const ETHER = 10n ** 18n

/** Contracts stand on a consortium's ledger before a relay joins it; the relay is told where. */
async function geth(): Promise<Backend> {
  const node = await startGeth()
  if (!node) throw new Error('geth was found, then was gone')
  opened.push(() => node.stop())
  const secret = systemRandom(32)
  await node.fund(secpAddress(secret), 100n * ETHER)
  const manifest = await deployContracts({ request: httpRequest(node.url), chainId: node.chainId, secret, poll: 100 })
  const dir = await mkdtemp(join(tmpdir(), 'keepwell-manifest-'))
  opened.push(() => rm(dir, { recursive: true }))
  const file = join(dir, 'manifest.json')
  await writeFile(file, JSON.stringify(manifest))
  return { settings: { KEEPWELL_LEDGER: node.url, KEEPWELL_MANIFEST: file }, fund: account => node.fund(account, 100n * ETHER) }
}

async function helia(): Promise<Backend> {
  const dir = await mkdtemp(join(tmpdir(), 'keepwell-swarm-'))
  opened.push(() => rm(dir, { recursive: true }))
  const file = join(dir, 'swarm.key')
  await writeFile(file, toHex(systemRandom(32)))
  return { settings: { KEEPWELL_BLOCKS: 'helia', KEEPWELL_SWARM_KEY: file } }
}

/** The main job, the same lines whatever is behind the ports. */
async function mainJob(backends: readonly Backend[]): Promise<void> {
  const settings = Object.assign({}, ...backends.map(b => b.settings)) as Record<string, string>
  const network = await startNetwork({ homes: [{ name: 'home', settings }, { name: 'clinic' }] })
  opened.push(() => network.close())
  const home = network.home('home')
  for (const backend of backends) await backend.fund?.(home.open.ledger.account)
  const patient = await network.party('Ada Example', 'home')
  const clinic = await network.party('Clinic West', 'clinic')
  await introduce(patient, clinic)
  const scan = patient.random(600_001)
  const [lab, image] = await fileRecords(patient, [draft(patient, 'laboratory', 'HbA1c'), draft(patient, 'laboratory', 'Scan', scan)])
  const commitment = await share(patient, clinic, ['laboratory'])
  const session = await read(clinic, commitment)
  const [got] = await session.open([image!.id])
  expect(equal(got!.body, scan)).toBe(true)
  expect(await home.open.relay.anchor()).toEqual({ records: 2, head: true })
  await home.restart()
  expect(await confirmAnchors(patient, await listEntries(patient))).toEqual({ confirmed: 2, waiting: 0, wrong: [] })
  const trail = await verifyTrail(patient)
  expect(trail.problems).toEqual([])
  expect(trail.anchored).not.toBeNull()
  await revoke(patient, commitment)
  await receiveMessages(clinic)
  expect(['DENIED', 'NO_GRANT']).toContain(await codeOf(() => read(clinic, commitment)))
  await eraseRecords(patient, [lab!.id])
  expect(await openRecords(patient, [lab!.id])).toEqual([])
  const again = await network.restored(patient, 'home')
  expect((await receiveRecords(again)).problems).toEqual([])
  expect((await listEntries(again)).map(e => e.card.title)).toEqual(['Scan'])
  expect(equal((await openRecords(again, [image!.id]))[0]!.body, scan)).toBe(true)
  expect((await verifyTrail(again)).problems).toEqual([])
}

const noPostgres = postgresBin() === null
const noGeth = findGeth() === null && !process.env.CI
/** Where everything is installed, the last test has every backend in it, and a shortened run is content with that. */
const together = !DEEP && !noPostgres && !noGeth
const why = (missing: boolean, what: string) => (missing ? `SKIPPED: ${what} is not installed here; ` : '')
const alone = together ? 'with the rest (KEEPWELL_DEEP=1: also alone): ' : ''

describe('the main job on the other backend of each port: only the configuration changes', () => {
  test.skipIf(together)(`${alone}blocks on a private IPFS swarm`, async () => mainJob([await helia()]), 120_000)
  test.skipIf(together || noPostgres)(`${alone}${why(noPostgres, 'PostgreSQL')}envelopes and log in PostgreSQL`, async () =>
    mainJob([await postgres()]),
  )
  test.skipIf(together || noGeth)(`${alone}${why(noGeth, 'geth')}the ledger on geth`, async () => mainJob([await geth()]), 180_000)
  test.skipIf(noGeth || noPostgres)(
    `${why(noPostgres, 'PostgreSQL')}${why(noGeth, 'geth')}all of them at once: PostgreSQL, geth, Helia`,
    async () => mainJob([await postgres(), await geth(), await helia()]),
  )
})
