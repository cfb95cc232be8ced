import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openChain } from '@keepwell/adapters/ledger/embedded/chain'
import { inHome, readHome } from '@keepwell/daemon/bin/home'
import { freePort } from '@keepwell/daemon/http/free-port'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { requestAccess } from '@keepwell/sdk/actions/access/request'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { importItems } from '@keepwell/sdk/actions/records/import-items'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { attestMilestone, mintMilestone } from '@keepwell/sdk/actions/records/mint-milestone'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { publishState } from '@keepwell/sdk/actions/records/publish-state'
import { rotate } from '@keepwell/sdk/actions/vault/rotate'
import { fromHex, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { secpAddress } from '@keepwell/sdk/crypto/secp'
import { parseDid } from '@keepwell/sdk/identity/did'
import type { Keyring } from '@keepwell/sdk/identity/keyring'
import { rootFromWords } from '@keepwell/sdk/identity/root'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { found, type LedgerRow, ledgerRows, type Marker, marker, searchFiles, searchRows, searchSqlite } from '#e2e/markers'
import { guardNetwork, LEAVES } from '#e2e/net-guard'
import { openParties, type Party } from '#e2e/parties'
import { type RelayProxy, startProxy } from '#e2e/proxy'
import { NET_GUARD, type RelayProcess, startRelayProcess } from '#e2e/relay-process'
import { didOf, draft, introduce, newestGrant, read, share } from '#e2e/story'

/** What is written nowhere: of the person, of the records, of the talk between the parties. */
const TEXTS = {
  'patient’s name': 'Canarina Zwölfender',
  'clinic’s name': 'Klinik Kanarienvogel',
  title: 'Zebrafinch Syndrome, third stage',
  code: 'CANARY-CODE-7731',
  'body text': 'the patient sings before dawn',
  'file name': 'canary-birdsong-scan.pdf',
  'document text': 'Diagnosis of the yellow bird',
  'request text': 'Please show me your feathers',
  'lot number': 'LOT-CANARY-0042',
  compartment: 'mental-health',
  'other compartment': 'substance-use',
}
/** What the protocol lets a relay see as it passes (§6: the actor is the natural person), but not keep. */
const PERSON = 'Dr. Mallory Test'

type Relay = { readonly name: string; readonly dir: string; readonly process: RelayProcess; readonly proxy: RelayProxy }

let dir: string
const relays: Relay[] = []
const secrets: Marker[] = []
const identifiers: Marker[] = []
const outgoing: string[] = []
let rows: LedgerRow[] = []
let problems: unknown

async function startRelay(name: string): Promise<Relay> {
  const port = await freePort()
  const proxy = await startProxy(`http://127.0.0.1:${port}`)
  proxy.record = true
  const home = join(dir, name)
  const settings = {
    KEEPWELL_HOME: home,
    KEEPWELL_PORT: String(port),
    KEEPWELL_URL: proxy.url,
    KEEPWELL_ANCHOR_SECONDS: '1',
    KEEPWELL_HEAD_SECONDS: '1',
    KEEPWELL_E2E_GUARD: '1',
  }
  return { name, dir: home, proxy, process: await startRelayProcess({ settings, nodeArgs: ['--import', NET_GUARD] }) }
}

/** Every secret of a keyring. */
function keysOf(who: string, ring: Keyring): Marker[] {
  const { controller, request, signing, inbox, catalog } = ring
  const named: [string, Uint8Array][] = [
    ...Object.entries({ controller, request, inbox, catalog, ed25519: signing.ed25519, mldsa65: signing.mldsa65 }),
    ...ring.compartments.flatMap(c => c.roots.map(r => [`tree root of ${c.name}`, r.root] as [string, Uint8Array])),
    ...ring.tokens.map(t => ['token key', t.key] as [string, Uint8Array]),
    ...ring.given.map(g => ['holder key', g.holderKey] as [string, Uint8Array]),
    ...ring.invitations.map(i => ['invitation secret', i.secret] as [string, Uint8Array]),
  ]
  return named.map(([name, key]) => marker(`${who}: ${name}`, key))
}

const wordsOf = (who: string, words: string): Marker[] => [
  marker(`${who}: words`, words.split(' ').slice(0, 3).join(' ')),
  marker(`${who}: root`, rootFromWords(words)),
]

/** Every verb there is, with markers in everything that a person can write. */
async function story(patient: Party, clinic: Party): Promise<void> {
  await introduce(patient, clinic)
  const body = utf8(
    JSON.stringify({
      resourceType: 'Condition',
      code: { text: TEXTS.title, coding: [{ code: TEXTS.code }] },
      note: [{ text: TEXTS['body text'] }],
    }),
  )
  const made = draft(patient, TEXTS.compartment, TEXTS.title, body)
  const facts = { ...made.facts, codes: [{ system: 'urn:canary', code: TEXTS.code, display: TEXTS.title }], source: `urn:${TEXTS.code}` }
  const [record, doomed] = await fileRecords(patient, [{ ...made, facts }, draft(patient, TEXTS['other compartment'], TEXTS.title)])
  const pdf = utf8(`%PDF-1.4\n% ${TEXTS['document text']}\n%%EOF\n`)
  const document = {
    name: TEXTS['file name'],
    size: pdf.length,
    chunks: async function* () {
      yield pdf
    },
  }
  for await (const verdict of importItems(patient, [document] as never)) expect(verdict.outcome).not.toBe('failed')
  const compartments = [TEXTS.compartment]
  await requestAccess(clinic, {
    from: didOf(patient),
    purpose: 'TREAT',
    level: 'read',
    compartments,
    seconds: 86_400,
    text: TEXTS['request text'],
  })
  const commitment = await share(patient, clinic, compartments)
  const session = await read(clinic, commitment)
  expect(session.records.map(r => r.card.title)).toEqual([TEXTS.title])
  await session.open([record!.id])
  await share(patient, clinic, [TEXTS['other compartment']])
  secrets.push(...keysOf('before rotation', patient.session.state.ring), ...keysOf('clinic', clinic.session.state.ring))
  for (const { dek, meta } of await openRecords(
    patient,
    (await listEntries(patient)).map(e => e.id),
  ))
    secrets.push(marker('data key', dek), marker('author’s salt', meta.authorSalt))
  identifiers.push(
    ...(await listEntries(patient)).flatMap(e => [
      marker('record id', e.id),
      marker('payload', e.cid.slice(4)),
      marker('compartment id', e.compartment),
    ]),
  )
  await revoke(patient, commitment)
  expect(await codeOf(() => read(clinic, commitment))).toBe('DENIED')
  await milestone(patient, record!)
  await eraseRecords(patient, [doomed!.id])
  await publishState(patient)
  const words = await rotate(patient)
  secrets.push(...keysOf('after rotation', patient.session.state.ring), ...wordsOf('after rotation', words))
  await receiveMessages(clinic)
  await read(clinic, newestGrant(clinic))
  problems = (await verifyTrail(patient)).problems
}

async function milestone(patient: Party, record: { id: Uint8Array; leaf: Uint8Array }): Promise<void> {
  const [whole] = (await listEntries(patient)).filter(e => toHex(e.id) === toHex(record.id))
  const entry = await attestMilestone(patient, whole!, 'Vaccination')
  const vaccineDetails = { name: TEXTS.title, manufacturer: 'Canary', lotNumber: TEXTS['lot number'], date: '2026-01-01' }
  const verificationProof = { record: record.id, leaf: record.leaf }
  const metadata = {
    recordType: 'Vaccination',
    provider: TEXTS['clinic’s name'],
    timestamp: patient.clock(),
    vaccineDetails,
    verificationProof,
  } as const
  for (let i = 0; i < 600; i++) {
    const code = await codeOf(() => mintMilestone(patient, entry, metadata))
    if (code === 'no error') return
    expect(code).toBe('NOT_ANCHORED')
    await new Promise(done => setTimeout(done, 100))
  }
  expect.fail('the relay did not anchor in time')
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'keepwell-canary-'))
  const guard = guardNetwork(line => outgoing.push(line))
  relays.push(await startRelay('home'), await startRelay('clinic'))
  const parties = openParties(dir)
  try {
    const patient = await parties.make(TEXTS['patient’s name'], relays[0]!.proxy.url)
    const clinic = await parties.make(TEXTS['clinic’s name'], relays[1]!.proxy.url)
    for (const [name, text] of Object.entries(TEXTS)) secrets.push(marker(name, text))
    secrets.push(...wordsOf('patient', patient.words), ...wordsOf('clinic', clinic.words))
    for (const p of [patient, clinic]) {
      const { address } = parseDid(didOf(p))
      const { request } = p.session.state.ring
      identifiers.push(
        marker(`DID of ${p.name}`, fromHex(address.slice(2))),
        marker(`request key of ${p.name}`, fromHex(secpAddress(request).slice(2))),
      )
    }
    await story(patient, clinic)
  } finally {
    await parties.close()
    guard.release()
    for (const relay of relays) await relay.process.stop()
    for (const relay of relays) await relay.proxy.close()
  }
  rows = (await Promise.all(relays.map(r => ledgerRows(inHome(join(r.dir, 'relay')).ledger)))).flat()
})

afterAll(() => rm(dir, { recursive: true, force: true }))

describe('a known plaintext, and every key', () => {
  test('the run did all it should have', () => {
    expect(problems).toEqual([])
    expect(secrets.length).toBeGreaterThan(80)
  })

  test('occurs in nothing that a relay wrote', () => {
    const markers = [...secrets, marker('person', PERSON)]
    for (const relay of relays) {
      const files = searchFiles(markers, relay.dir)
      const sqlite = searchSqlite(markers, relay.dir)
      console.info(
        `${relay.name}: ${files.files} files, ${files.bytes} bytes, ${sqlite.rows} database rows searched for ${markers.length} markers`,
      )
      expect([...files.hits, ...sqlite.hits]).toEqual([])
    }
    expect(searchRows(markers, rows)).toEqual([])
  })

  test('occurs in nothing that was sent to a relay or by it', () => {
    for (const { proxy } of relays) {
      const traffic = Buffer.concat(proxy.recorded)
      console.info(`${proxy.passed.count} requests, ${traffic.length} bytes`)
      expect(found(secrets, traffic)).toEqual([])
    }
  })

  test('occurs in nothing that a relay said; and neither does anybody’s identity', () => {
    for (const { process } of relays) {
      expect(process.output().split('\n').length).toBeGreaterThan(20)
      expect(found([...secrets, ...identifiers, marker('person', PERSON)], Buffer.from(process.output()))).toEqual([])
    }
  })

  test('occurs in no catalog on the parties’ own disks either', () => {
    expect([...searchFiles(secrets, dir).hits, ...searchSqlite(secrets, dir).hits]).toEqual([])
  })

  test('would be found if it were there: what a relay may know is', () => {
    const [home] = relays
    const did = identifiers[0]!
    expect(searchSqlite(identifiers, home!.dir).hits.length).toBeGreaterThan(0)
    expect(found([marker('purpose', 'PATRQT')], Buffer.concat(home!.proxy.recorded))).toEqual(['purpose'])
    expect(found([did], Buffer.concat(home!.proxy.recorded))).toEqual([did.name])
    expect(searchRows([did], rows).length).toBeGreaterThan(0)
    const planted = Buffer.from(`xy${Buffer.from(`?${TEXTS.title}`).toString('base64')}`)
    expect(found(secrets, planted)).toEqual(['title'])
  })
})

describe('T01: the ledger does not tell who is whose patient', () => {
  type Log = { address: string; topics: string[]; data: string }
  type Transaction = { hash: string; to: string | null; from: string; input: string }

  test('no DID, key or record of anyone occurs outside the PatientRegistry: calldata, topics, data, storage', async () => {
    const seen = { transactions: 0, logs: 0, registry: 0, state: 0 }
    for (const relay of relays) {
      const home = await readHome(join(relay.dir, 'relay'))
      const registry = home!.manifest['PatientRegistry@1']!
      const chain = await openChain({ dir: inHome(join(relay.dir, 'relay')).ledger, chainId: home!.home.chainId, clock: () => 0 })
      const ask = (method: string, params: unknown[] = []) => chain.request({ method, params } as never)
      const hits: string[] = []
      const look = (place: string, ...hex: string[]) =>
        hits.push(...found(identifiers, Buffer.concat(hex.map(h => Buffer.from(h.slice(2), 'hex')))).map(name => `${place}: ${name}`))
      const head = Number(await ask('eth_blockNumber'))
      for (let n = 0; n <= head; n++) {
        const block = (await ask('eth_getBlockByNumber', [`0x${n.toString(16)}`, true])) as { transactions: Transaction[] }
        for (const t of block.transactions) {
          seen.transactions++
          look('sender', t.from)
          if (t.to === registry) seen.registry++
          else look(`calldata to ${t.to}`, t.to ?? '0x', t.input)
          const { logs } = (await ask('eth_getTransactionReceipt', [t.hash])) as { logs: Log[] }
          for (const log of logs) {
            seen.logs++
            if (log.address !== registry) look(`event of ${log.address}`, log.address, ...log.topics, log.data)
          }
        }
      }
      await chain.close()
      expect(hits).toEqual([])
    }
    const state = rows.filter(r => r.key[0] === 0x73)
    seen.state = state.length
    expect(searchRows(identifiers, state)).toEqual([])
    console.info(`T01: ${JSON.stringify(seen)}, ${identifiers.length} identifiers, no hit outside the registry`)
    expect(seen.registry).toBeGreaterThan(2)
    expect(seen.transactions - seen.registry).toBeGreaterThan(10)
  })
})

describe('T05: a relay and its parties speak to nobody beyond this machine', () => {
  test('no connection, no datagram and no name look-up leaves the host', () => {
    expect(outgoing).toEqual([])
    for (const { process } of relays) expect(process.output()).not.toContain(LEAVES)
  })

  test('an attempt would have been seen', async () => {
    const guard = guardNetwork(line => outgoing.push(line))
    const enough = new AbortController()
    const trying = fetch('http://192.0.2.1:8099/', { signal: enough.signal }).catch(() => {})
    await expect.poll(() => outgoing).toContain('tcp 192.0.2.1')
    enough.abort()
    await trying
    await fetch('http://canary.invalid/', { signal: AbortSignal.timeout(200) }).catch(() => {})
    guard.release()
    expect(outgoing.splice(0)).toEqual(expect.arrayContaining(['tcp 192.0.2.1']))
  })
})
