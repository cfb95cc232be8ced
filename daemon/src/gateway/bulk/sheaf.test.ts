import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from '@keepwell/sdk/base/bytes'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newSheaf } from './sheaf.ts'
import { slotsOf } from './slots.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'keepwell-sheaf-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const key = () => crypto.getRandomValues(new Uint8Array(32))
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    e => e.code,
  )
const many = Array.from({ length: 3000 }, (_, i) => ({
  resourceType: 'Observation',
  id: String(i),
  note: [{ text: 'Zanzibar '.repeat(60) }],
}))

test('what goes in comes out line by line, and the file says nothing of it', async () => {
  const file = join(dir, 'a')
  const sheaf = newSheaf(file, key())
  await sheaf.add('Patient', [{ id: 'one' }])
  await sheaf.add('Observation', many)
  await sheaf.add('Condition', [])
  expect(new Set(sheaf.segments.map(s => s.type))).toEqual(new Set(['Patient', 'Observation']))
  expect(sheaf.segments.length).toBeGreaterThan(3)
  let lines = ''
  for (const s of sheaf.segments.filter(x => x.type === 'Observation')) lines += text(await sheaf.read(s))
  expect(
    lines
      .trimEnd()
      .split('\n')
      .map(l => JSON.parse(l)),
  ).toEqual(many)
  expect((await readFile(file)).includes('Zanzibar')).toBe(false)
  expect((await stat(file)).mode & 0o077).toBe(0)
})

test('a byte that was changed, or a segment in another’s place, is refused', async () => {
  const file = join(dir, 'b')
  const sheaf = newSheaf(file, key())
  await sheaf.add('Patient', [{ id: 'one' }])
  await sheaf.add('Patient', [{ id: 'two' }])
  const [first, second] = sheaf.segments
  expect(await codeOf(sheaf.read({ ...first!, offset: second!.offset }))).toBe('OPEN_FAILED')
  const bytes = await readFile(file)
  bytes[3]! ^= 1
  await writeFile(file, bytes)
  expect(await codeOf(sheaf.read(first!))).toBe('OPEN_FAILED')
  expect(text(await sheaf.read(second!))).toBe('{"id":"two"}\n')
})

test('once dropped it has no key, no file and no lines, and takes no more', async () => {
  const file = join(dir, 'c')
  const mine = key()
  const sheaf = newSheaf(file, mine)
  await sheaf.add('Patient', [{ id: 'one' }])
  const [segment] = sheaf.segments
  await sheaf.drop()
  expect([mine.every(b => b === 0), sheaf.segments.length]).toEqual([true, 0])
  expect(await codeOf(sheaf.read(segment!))).toBe('GRANT_ENDED')
  expect(await codeOf(sheaf.add('Patient', [{ id: 'two' }]))).toBe('GRANT_ENDED')
  expect(await codeOf(stat(file))).toBe('ENOENT')
})

test('places are given in the order of asking, and whoever leaves the queue takes none', async () => {
  const slots = slotsOf(1)
  const [quit, never] = [new AbortController(), new AbortController().signal]
  const order: string[] = []
  await slots.take(never)
  const second = slots.take(quit.signal).then(
    () => order.push('second'),
    () => order.push('left'),
  )
  const third = slots.take(never).then(() => order.push('third'))
  quit.abort()
  await second
  slots.give()
  await third
  expect(order).toEqual(['left', 'third'])
  slots.give()
  await slots.take(never)
})
