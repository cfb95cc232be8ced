import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { postgres } from '@keepwell/adapters/base/postgres.kit'
import { openPostgresEnvelopes } from '@keepwell/adapters/envelopes/postgres'
import { inHome, readHome } from '@keepwell/daemon/bin/home'
import { freePort } from '@keepwell/daemon/http/free-port'
import { endLink } from '@keepwell/sdk/actions/access/own-links'
import { shareLink } from '@keepwell/sdk/actions/access/share-link'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { publishState } from '@keepwell/sdk/actions/records/publish-state'
import { backup } from '@keepwell/sdk/actions/vault/backup'
import { checkBackup } from '@keepwell/sdk/actions/vault/check-backup'
import { eraseVault } from '@keepwell/sdk/actions/vault/erase-vault'
import { toHex } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { shredUnwrapper } from '@keepwell/sdk/crypto/shred'
import type { Entry } from '@keepwell/sdk/records/catalog'
import { decodeStored } from '@keepwell/sdk/relay/schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Marker, marker, searchFiles } from '#e2e/markers'
import { openParties, type Parties, type Party } from '#e2e/parties'
import { type RelayProcess, startRelayProcess } from '#e2e/relay-process'
import { didOf, draft } from '#e2e/story'

/** More than one bucket, so that keys of others stand beside those that go. */
const RECORDS = 300
const DOOMED = [3, 4, 120, 255, 256, 299]
const SUM = 32

let dir: string
let relay: RelayProcess
let parties: Parties
let ada: Party
let entries: Entry[]

/** A value that may lie over several pages of a file is known by its ends. */
const ends = (name: string, bytes: Uint8Array): Marker[] =>
  bytes.length <= 48 ? [marker(name, bytes)] : [marker(`${name}, first`, bytes.slice(0, 24)), marker(`${name}, last`, bytes.slice(-24))]

const home = () => inHome(join(dir, 'relay', 'relay'))

/** The keys of all buckets, as they lie in their files now. */
function bucketKeys({ shred } = home()): Uint8Array[] {
  const names = readdirSync(shred).filter(n => n.endsWith('.key'))
  return names.map(n => new Uint8Array(readFileSync(join(shred, n)).subarray(SUM)))
}

/** The relay's row of each record, by id: its key and the wrapped envelope. */
function envelopeRows(): Map<string, EnvelopeRow> {
  const db = new DatabaseSync(home().envelopes, { readOnly: true })
  try {
    const rows = db.prepare("select kind, key, value from rows where kind in ('id', 'env') and vault = ?").all(didOf(ada)) as {
      kind: string
      key: Uint8Array
      value: Uint8Array
    }[]
    const wrapped = new Map(rows.filter(r => r.kind === 'env').map(r => [toHex(r.key), r.value]))
    return new Map(rows.filter(r => r.kind === 'id').map(r => [toHex(r.key), { key: r.value, wrapped: wrapped.get(toHex(r.value))! }]))
  } finally {
    db.close()
  }
}

type EnvelopeRow = { readonly key: Uint8Array; readonly wrapped: Uint8Array }

/** The envelope in a row; null when none of the keys opens it. */
async function unwrapped({ key, wrapped }: EnvelopeRow, keys: readonly Uint8Array[]) {
  for (const bucket of keys) {
    const plain = await shredUnwrapper(bucket)(key, wrapped).catch(() => null)
    if (plain) return decodeStored(plain)
  }
  return null
}

/** What must lie nowhere once a record is gone: `kept` lies somewhere now, `never` did at no time. */
async function traces(some: readonly Entry[]): Promise<{ kept: Marker[]; never: Marker[] }> {
  const kept: Marker[] = []
  const never: Marker[] = []
  const rows = envelopeRows()
  for (const e of some) {
    const row = rows.get(toHex(e.id))!
    const stored = (await unwrapped(row, bucketKeys()))!
    kept.push(...ends('wrapped row', row.wrapped), ...ends('catalog row', (await ada.catalog.get(e.id))!))
    never.push(marker('sealed key', stored.key), ...ends('sealed card', stored.card), marker('salt of the card', e.card.salt))
  }
  for (const { dek, meta } of await openRecords(
    ada,
    some.map(e => e.id),
  ))
    never.push(marker('data key', dek), marker('author’s salt', meta.authorSalt), marker('signed meta', encode(meta).slice(0, 64)))
  return { kept, never }
}

const places = (hits: readonly { place: string; marker: string }[]) => [...new Set(hits.map(h => `${h.marker} in ${h.place}`))]

async function toFile(chunks: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  const all: Uint8Array[] = []
  for await (const c of chunks) all.push(c)
  writeFileSync(path, Buffer.concat(all))
}

async function* pieces(path: string): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(readFileSync(path))
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'keepwell-erased-'))
  const port = String(await freePort())
  const settings = { KEEPWELL_HOME: join(dir, 'relay'), KEEPWELL_PORT: port, KEEPWELL_ANCHOR_SECONDS: '1', KEEPWELL_HEAD_SECONDS: '1' }
  relay = await startRelayProcess({ settings })
  parties = openParties(dir)
  ada = await parties.make('Ada', `http://127.0.0.1:${port}`)
  entries = await fileRecords(
    ada,
    Array.from({ length: RECORDS }, (_, i) => draft(ada, i % 2 ? 'laboratory' : 'general', `Value ${i}`)),
  )
  await publishState(ada)
})

afterAll(async () => {
  await parties.close()
  await relay.stop()
  await rm(dir, { recursive: true, force: true })
})

describe('once keys are shredded, no copy of them is left', () => {
  test('of single records: not in database, write-ahead log, key files, blocks or catalog, nor in what is backed up later', async () => {
    const doomed = DOOMED.map(i => entries[i]!)
    const { kept, never } = await traces(doomed)
    const keys = bucketKeys().map(k => marker('shred key', k))
    // All this would be found where it lies, so that not finding it says something.
    const before = searchFiles([...kept, ...keys], dir).hits
    for (const m of [...kept, ...keys]) expect(before.map(h => h.marker)).toContain(m.name)
    expect(places(before).filter(p => /^catalog row/.test(p)).length).toBeGreaterThan(0)
    expect(places(searchFiles(never, dir).hits)).toEqual([])

    const { receipts } = await eraseRecords(
      ada,
      doomed.map(e => e.id),
    )
    expect(receipts).toHaveLength(1)
    await publishState(ada)
    const gone = [...kept, ...never, ...keys]
    // Relay and device go on running: nothing waits for a restart.
    expect(places(searchFiles(gone, dir).hits)).toEqual([])
    expect(await openRecords(ada, [doomed[0]!.id])).toEqual([])

    cpSync(join(dir, 'relay'), join(dir, 'copy of the relay'), { recursive: true })
    await toFile(backup(ada), join(dir, 'later.backup'))
    const checked = await checkBackup(pieces(join(dir, 'later.backup')), ada.session.device)
    expect(checked.records).toBe(RECORDS - DOOMED.length)
    expect(places(searchFiles(gone, dir).hits)).toEqual([])
    await rm(join(dir, 'copy of the relay'), { recursive: true })

    // The neighbours under the same keys were sealed anew, and open.
    const beside = [5, 121, 254, 257, 298].map(i => entries[i]!.id)
    expect(await openRecords(ada, beside)).toHaveLength(beside.length)
  })

  test('of a link that was ended: not its files, whose key everybody has who had its address', async () => {
    const shown = { summary: [], records: entries.filter((_, i) => i < 3), label: 'For Dr Grey' }
    const { id } = await shareLink(ada, { ...shown, expiry: ada.clock() + 86_400 })
    const db = new DatabaseSync(home().envelopes, { readOnly: true })
    const files = db.prepare("select value from rows where kind = 'linkfile' and vault = ?").all(didOf(ada)) as { value: Uint8Array }[]
    db.close()
    const lie = () =>
      searchFiles(
        files.flatMap(f => ends('file of the link', f.value)),
        dir,
      ).hits.map(h => h.marker)
    expect(new Set(lie())).toEqual(new Set(['file of the link, first', 'file of the link, last']))
    await endLink(ada, id)
    expect(lie()).toEqual([])
  })

  test('of a whole vault: nor of its keyring', async () => {
    const rest = entries.filter((_, i) => !DOOMED.includes(i))
    const { kept, never } = await traces(rest.slice(0, 12))
    const ring = ada.session.state.sealed
    const keys = bucketKeys().map(k => marker('shred key', k))
    const gone = [...kept, ...never, ...keys, ...ends('sealed keyring', encode(ring).slice(-200))]
    const before = searchFiles(gone, dir).hits.map(h => h.marker)
    for (const m of [...kept, ...keys]) expect(before).toContain(m.name)
    expect(before).toContain('sealed keyring, last')
    await rm(join(dir, 'later.backup'))
    await eraseVault(ada)
    expect(places(searchFiles(gone, dir).hits)).toEqual([])
    expect(readdirSync(home().shred)).toEqual([])
    expect(await codeOf(() => openRecords(ada, [rest[0]!.id]))).toBe('ERASED')
    await relay.kill()
    expect(places(searchFiles(gone, dir).hits)).toEqual([])
  })

  test.skipIf(!postgres)('in PostgreSQL, which keeps old rows in its files: no key of them is left, and none ever lay there', async () => {
    const server = await postgres!.start()
    const at = inHome(join(dir, 'second', 'relay'))
    const port = String(await freePort())
    const settings = { KEEPWELL_HOME: join(dir, 'second'), KEEPWELL_PORT: port, KEEPWELL_DATABASE: server.url }
    const second = await startRelayProcess({ settings })
    try {
      const ben = await parties.make('Ben', `http://127.0.0.1:${port}`)
      const filed = await fileRecords(
        ben,
        Array.from({ length: 20 }, (_, i) => draft(ben, 'general', `Value ${i}`)),
      )
      const { mac } = (await readHome(join(dir, 'second', 'relay')))!.secrets
      const store = await openPostgresEnvelopes({ url: server.url, schema: `keepwell_${toHex(mac).slice(0, 16)}` })
      const rows = await store.read(didOf(ben), r => r.scan('env', { limit: 100 }))
      await store.close()
      const keys = bucketKeys(at)
      const doomed: EnvelopeRow[] = []
      for (const { key, value: wrapped } of rows) {
        const stored = await unwrapped({ key, wrapped }, keys)
        if (stored && toHex(stored.id) === toHex(filed[7]!.id)) doomed.push({ key, wrapped })
      }
      expect([rows.length, doomed.length]).toEqual([20, 1])
      await eraseRecords(ben, [filed[7]!.id])
      const old = keys.map(k => marker('shred key', k))
      const row = ends('wrapped row', doomed[0]!.wrapped)
      // What its heap and its write-ahead log still hold is a row that nothing opens: that is all that is promised.
      expect(searchFiles(row, server.dir).hits.length).toBeGreaterThan(0)
      expect(await unwrapped(doomed[0]!, bucketKeys(at))).toBeNull()
      expect(places(searchFiles(old, server.dir).hits)).toEqual([])
      expect(places(searchFiles([...old, ...row], dir).hits)).toEqual([])
      expect(await openRecords(ben, [filed[7]!.id])).toEqual([])
      expect(await openRecords(ben, [filed[8]!.id])).toHaveLength(1)
    } finally {
      await second.stop()
      await server.stop()
    }
  })
})
