import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { u32be, utf8 } from '@keepwell/sdk/base/bytes'
import type { EnvelopeStore } from '@keepwell/sdk/ports/envelopes'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { killed, ROUNDS } from '#base/kill.kit'
import { temporaryDirectory } from '#base/temporary.kit'
import { openSqliteEnvelopes } from './sqlite.ts'

let home: ReturnType<typeof temporaryDirectory>
beforeEach(() => {
  home = temporaryDirectory()
})
afterEach(() => home.remove())

/** The rows of a vault, after checking that as many were counted in the same transactions. */
async function rowsOf(store: EnvelopeStore, vault: string): Promise<number> {
  return store.read(vault, async rows => {
    const count = await rows.get('count', u32be(0))
    const n = await rows.count('row')
    expect(count ? new DataView(count.buffer, count.byteOffset).getUint32(0) : 0).toBe(n)
    return n
  })
}

test('kill -9 at any moment loses no acknowledged transaction and leaves none half done', async () => {
  const file = join(home.path, 'envelopes.db')
  const acknowledged: [string, number][] = []
  for (let round = 0; round < ROUNDS; round++) {
    const child = join(import.meta.dirname, 'kill.child.ts')
    const lines = await killed({ file: child, args: [file, String(round * 1_000_000)], round })
    for (const line of lines) acknowledged.push([line.slice(0, 1), Number(line.slice(2))])
    const store = await openSqliteEnvelopes({ file })
    for (const vault of ['a', 'b', 'c']) await rowsOf(store, vault)
    for (const [vault, i] of acknowledged) expect((await store.read(vault, rows => rows.get('row', u32be(i))))?.[7]).toBe(i % 256)
    await store.close()
  }
  expect(acknowledged.length).toBeGreaterThan(10 * ROUNDS)
})

test('a write-ahead log cut at any byte leaves whole transactions only', async () => {
  const live = join(home.path, 'live')
  mkdirSync(live)
  const store = await openSqliteEnvelopes({ file: join(live, 'envelopes.db') })
  for (let i = 0; i < 30; i++)
    await store.transact('a', async rows => {
      await rows.put('row', [{ key: u32be(i), value: new Uint8Array(700) }])
      await rows.put('count', [{ key: u32be(0), value: u32be(i + 1) }])
    })
  const image = join(home.path, 'image')
  cpSync(live, image, { recursive: true })
  await store.close()
  const seen = new Set<number>()
  const length = statSync(join(image, 'envelopes.db-wal')).size
  for (let cut = length; cut > 0; cut -= 4999) {
    const torn = join(home.path, 'torn.db')
    for (const end of ['', '-wal', '-shm']) rmSync(torn + end, { force: true })
    copyFileSync(join(image, 'envelopes.db'), torn)
    copyFileSync(join(image, 'envelopes.db-wal'), `${torn}-wal`)
    truncateSync(`${torn}-wal`, cut)
    // The very first bytes hold the schema; before those there is no database yet.
    const again = await openSqliteEnvelopes({ file: torn })
    seen.add(await rowsOf(again, 'a'))
    await again.close()
  }
  expect(Math.max(...seen)).toBe(30)
  expect(seen.size).toBeGreaterThan(20)
})

test('what was deleted is in no file of the directory any more, once scrubbed', async () => {
  const file = join(home.path, 'envelopes.db')
  const store = await openSqliteEnvelopes({ file })
  const secret = utf8('the very secret wrapped key bytes')
  const found = () => readdirSync(home.path).some(name => readFileSync(join(home.path, name)).includes(Buffer.from(secret)))
  const rows = Array.from({ length: 300 }, (_, i) => ({ key: u32be(i), value: i === 150 ? secret : utf8(`kept ${i}`) }))
  await store.transact('v', t => t.put('envelope', rows))
  await store.transact('v', t => t.put('envelope', [{ key: u32be(151), value: secret }]))
  await store.transact('v', t => t.put('large', [{ key: u32be(1), value: new Uint8Array(Buffer.concat(Array(3000).fill(secret))) }]))
  expect(found()).toBe(true)
  await store.transact('v', async t => {
    await t.delete('envelope', [u32be(150)])
    await t.put('envelope', [{ key: u32be(151), value: utf8('short') }])
    await t.delete('large', [u32be(1)])
  })
  const reading = store.read('v', t => t.count('envelope'))
  await store.scrub()
  expect(await reading).toBe(299)
  expect(found()).toBe(false)
  await store.close()
  expect(found()).toBe(false)
})

test('a file that is no database, or is of a newer Keepwell, is refused and left alone', async () => {
  const { DatabaseSync } = await import('node:sqlite')
  const { writeFileSync } = await import('node:fs')
  const strange = join(home.path, 'strange.db')
  writeFileSync(strange, 'this is a letter, not a database, and it is long enough to be read as one '.repeat(20))
  await expect(openSqliteEnvelopes({ file: strange })).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  expect(readFileSync(strange, 'utf8')).toContain('this is a letter')
  const newer = join(home.path, 'newer.db')
  await (await openSqliteEnvelopes({ file: newer })).close()
  const db = new DatabaseSync(newer)
  db.exec('PRAGMA user_version = 2')
  db.close()
  await expect(openSqliteEnvelopes({ file: newer })).rejects.toMatchObject({ code: 'NOT_SUPPORTED' })
})

test('a full disk is told as such, loses nothing, and the store goes on once there is space', async () => {
  const { DatabaseSync } = await import('node:sqlite')
  const file = join(home.path, 'envelopes.db')
  const store = await openSqliteEnvelopes({ file })
  await store.transact('v', t => t.put('k', [{ key: utf8('before'), value: utf8('1') }]))
  await store.close()
  // SQLite's own limit on pages gives SQLITE_FULL as a full disk does; it holds for one connection, so it is set through the store's own.
  const limited = await openSqliteEnvelopes({ file, maxPages: 40 })
  const large = new Uint8Array(1 << 20)
  await expect(limited.transact('v', t => t.put('k', [{ key: utf8('large'), value: large }]))).rejects.toMatchObject({
    code: 'STORAGE_FULL',
  })
  const together = await Promise.allSettled([
    limited.transact('v', t => t.put('k', [{ key: utf8('a'), value: utf8('a') }])),
    limited.transact('v', t => t.put('k', [{ key: utf8('large'), value: large }])),
  ])
  const there = await limited.read('v', t => t.get('k', utf8('a')))
  expect(together[1]?.status).toBe('rejected')
  expect(there !== null).toBe(together[0]?.status === 'fulfilled')
  await limited.transact('v', t => t.put('k', [{ key: utf8('small'), value: utf8('2') }]))
  await limited.close()
  const again = new DatabaseSync(file)
  expect(again.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' })
  again.close()
})
