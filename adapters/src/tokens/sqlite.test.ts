import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { seededRandom } from '@keepwell/sdk/actions/story.kit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { remaining, valuesIn } from '#base/residues.kit'
import { temporaryDirectory } from '#base/temporary.kit'
import { openTokens, type Tokens } from './sqlite.ts'

const key = new Uint8Array(32).fill(7)
const random = (n: number) => new Uint8Array(randomBytes(n))
let now = 1_800_000_000
let home: ReturnType<typeof temporaryDirectory>
let tokens: Tokens
const open = (k = key) => openTokens({ file: join(home.path, 'tokens.sqlite'), key: k, random, clock: () => now })

beforeEach(() => {
  home = temporaryDirectory()
  tokens = open()
})
afterEach(async () => {
  await tokens.close()
  home.remove()
})

test('neither a token nor what it stands for is in any file', async () => {
  await tokens.put('AccessToken', 'sesame-open-4711', { patient: 'patient-0815' }, { group: 'grant-2342', alias: 'uid-1701' })
  expect((await tokens.get<{ patient: string }>('AccessToken', 'sesame-open-4711'))?.value.patient).toBe('patient-0815')
  const files = readdirSync(home.path).map(name => readFileSync(join(home.path, name)).toString('latin1'))
  for (const word of ['sesame-open', 'patient-0815', 'grant-2342', 'uid-1701'])
    expect(
      files.some(f => f.includes(word)),
      word,
    ).toBe(false)
})

test('what was kept is there after a restart, and only with the key of this home', async () => {
  await tokens.put('Client', 'app', { name: 'App' })
  await tokens.close()
  tokens = open(new Uint8Array(32).fill(8))
  expect(await tokens.get('Client', 'app')).toBeNull()
  await expect(tokens.list('Client')).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  await tokens.close()
  tokens = open()
  expect(await tokens.list('Client')).toEqual([{ name: 'App' }])
})

test('of many who use a code at once one succeeds', async () => {
  await tokens.put('Code', 'c', {})
  const used = await Promise.all(Array.from({ length: 20 }, () => tokens.consume('Code', 'c', now)))
  expect(used.filter(Boolean)).toHaveLength(1)
  expect((await tokens.get('Code', 'c'))?.consumed).toBe(now)
  await tokens.put('Launch', 'l', { patient: 'p' })
  const taken = await Promise.all(Array.from({ length: 20 }, () => tokens.take('Launch', 'l')))
  expect(taken.filter(Boolean)).toHaveLength(1)
  const added = await Promise.all(Array.from({ length: 20 }, (_, i) => tokens.add('Replay', 'jti', i)))
  expect(added.filter(Boolean)).toHaveLength(1)
})

test('what is prolonged lasts longer, and what is gone does not come back', async () => {
  await tokens.put('Grant', 'g', { of: 'a' }, { group: 'grant-1', expires: now + 10 })
  expect(await tokens.prolong('Grant', 'g', now + 100)).toBe(true)
  now += 50
  expect((await tokens.get('Grant', 'g'))?.value).toEqual({ of: 'a' })
  await tokens.dropGroup('grant-1')
  expect([await tokens.prolong('Grant', 'g', now + 100), await tokens.get('Grant', 'g')]).toEqual([false, null])
  await tokens.put('Grant', 'late', {}, { expires: now - 1 })
  expect([await tokens.prolong('Grant', 'late', now + 100), await tokens.get('Grant', 'late')]).toEqual([false, null])
})

test('changes that come at once all count', async () => {
  await Promise.all(Array.from({ length: 30 }, () => tokens.change<{ n: number }>('Count', 'x', v => ({ n: (v?.n ?? 0) + 1 }))))
  expect((await tokens.get<{ n: number }>('Count', 'x'))?.value.n).toBe(30)
  expect(await tokens.change('Count', 'x', () => null)).toBeNull()
  expect(await tokens.get('Count', 'x')).toBeNull()
})

test('what has expired is gone at its second, and swept; a name may then be taken again', async () => {
  await tokens.put('Code', 'c', {}, { expires: now + 60, alias: 'a' })
  now += 59
  expect(await tokens.byAlias('Code', 'a')).not.toBeNull()
  now += 1
  expect(await tokens.get('Code', 'c')).toBeNull()
  expect(await tokens.consume('Code', 'c', now)).toBe(false)
  expect(await tokens.add('Code', 'c', {}, { expires: now + 5 })).toBe(true)
  now += 5
  expect(await tokens.sweep()).toBe(1)
  expect(await tokens.list('Code')).toEqual([])
})

test('a group goes together, of whatever kind its things are', async () => {
  await tokens.put('AccessToken', 'a', {}, { group: 'g' })
  await tokens.put('RefreshToken', 'r', {}, { group: 'g' })
  await tokens.put('AccessToken', 'other', {}, { group: 'h' })
  await tokens.dropGroup('g')
  expect(await tokens.get('AccessToken', 'a')).toBeNull()
  expect(await tokens.get('RefreshToken', 'r')).toBeNull()
  expect(await tokens.get('AccessToken', 'other')).not.toBeNull()
})

test('a value moved to another name does not open', async () => {
  await tokens.put('AccessToken', 'mine', { who: 'me' })
  await tokens.put('AccessToken', 'yours', { who: 'you' })
  await tokens.close()
  const { DatabaseSync } = await import('node:sqlite')
  const db = new DatabaseSync(join(home.path, 'tokens.sqlite'))
  const [a, b] = db.prepare('select id, sealed from things').all() as { id: Uint8Array; sealed: Uint8Array }[]
  db.prepare('update things set sealed = ? where id = ?').run(a!.sealed, b!.id)
  db.close()
  tokens = open()
  const both = await Promise.allSettled([tokens.get('AccessToken', 'mine'), tokens.get('AccessToken', 'yours')])
  expect(both.filter(r => r.status === 'rejected')).toHaveLength(1)
})

test('its version changes with every write, also with those of another process', async () => {
  const other = open()
  const before = tokens.version()
  expect(tokens.version()).toBe(before)
  await other.put('staff', 'a', {})
  const after = tokens.version()
  expect(after).not.toBe(before)
  await tokens.put('staff', 'b', {})
  expect(tokens.version()).not.toBe(after)
  await other.close()
})

/** Sealed values of a kind, as they lie in the file. */
const sealed = (kind: string): Uint8Array[] =>
  valuesIn(join(home.path, 'tokens.sqlite'), `select sealed from things where kind = '${kind}'`)

test('of what expired, and of what was dropped since the last sweep, nothing is left in any file while the store is open', async () => {
  const put = (kind: string, expires: number) =>
    Promise.all(Array.from({ length: 400 }, (_, i) => tokens.put(kind, `${i}`, { text: 'x'.repeat(i) }, { group: kind, expires })))
  await put('Brief', now + 10)
  await put('Dropped', now + 1000)
  await put('Kept', now + 1000)
  const [brief, dropped, kept] = [sealed('Brief'), sealed('Dropped'), sealed('Kept')]
  expect(remaining(home.path, brief)).toBe(400)
  now += 20
  expect(await tokens.sweep()).toBe(400)
  expect([remaining(home.path, brief), remaining(home.path, kept)]).toEqual([0, 400])
  await tokens.dropGroup('Dropped')
  expect(remaining(home.path, dropped)).toBeGreaterThan(0)
  expect(await tokens.sweep()).toBe(0)
  expect([remaining(home.path, dropped), remaining(home.path, kept)]).toEqual([0, 400])
})

test('what is dropped in the order in which it came leaves nothing in a file that is not rewritten', async () => {
  await tokens.close()
  const seeded = seededRandom('in order')
  tokens = openTokens({ file: join(home.path, 'tokens.sqlite'), key, random: seeded, clock: () => now })
  const gone: Uint8Array[] = []
  for (let round = 0; round < 6; round++) {
    const names = Array.from({ length: 1000 }, (_, i) => `${round}/${i}`)
    await Promise.all(names.map((name, i) => tokens.put('audit', name, { text: 'x'.repeat(200 + ((i * 37) % 600)) })))
    if (round === 0) continue
    const before = new Set(sealed('audit').map(s => Buffer.from(s).toString('base64')))
    await Promise.all(names.map(name => tokens.drop('audit', name.replace(/^\d+/, String(round - 1)))))
    for (const s of sealed('audit')) before.delete(Buffer.from(s).toString('base64'))
    gone.push(...[...before].map(text => Buffer.from(text, 'base64')))
  }
  await tokens.close()
  expect(gone).toHaveLength(5000)
  expect(remaining(home.path, gone)).toBe(0)
})
