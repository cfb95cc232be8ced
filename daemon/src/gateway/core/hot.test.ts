import { mkdtemp, open, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { equal, utf8 } from '@keepwell/sdk/base/bytes'
import { type Cid, rawCid } from '@keepwell/sdk/base/cid'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { Block } from '@keepwell/sdk/ports/blocks'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Hot, openHot } from './hot.ts'

const LIMIT = 4 << 20
const BLOCK = 64 << 10
const ADA = sha256(utf8('consent of Ada'))
const BOB = sha256(utf8('consent of Bob'))

let dir: string
let hot: Hot
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hot-'))
  hot = await openHot({ dir, limit: LIMIT, secret: sha256(utf8('secret')) })
})
afterEach(async () => {
  await hot.close()
  await rm(dir, { recursive: true, force: true })
})

/** Blocks of one record, so many bytes of them. */
function study(name: string, bytes: number): { readonly record: Uint8Array; readonly blocks: ReadonlyMap<Cid, Uint8Array> } {
  const all = Array.from({ length: Math.ceil(bytes / BLOCK) }, (_, i) => {
    const block = new Uint8Array(BLOCK)
    block.set(utf8(`${name} ${i}`))
    return [rawCid(sha256(block)), block] as const
  })
  return { record: sha256(utf8(name)).slice(0, 16), blocks: new Map(all) }
}

/** Reads a study in its order, block by block as images are, in a session of its own; gives how many the relay was asked for. */
async function read(consent: Uint8Array, { record, blocks }: ReturnType<typeof study>, near = hot.of(consent)): Promise<number> {
  let asked = 0
  async function* relay(cids: readonly Cid[]): AsyncGenerator<Block> {
    for (const cid of cids) {
      asked++
      yield { cid, bytes: blocks.get(cid)! }
    }
  }
  const through = near.through(relay, () => record)
  const cids = [...blocks.keys()]
  for (let at = 0; at < cids.length; at += 4)
    for await (const { cid, bytes } of through(cids.slice(at, at + 4))) expect(equal(bytes, blocks.get(cid)!)).toBe(true)
  return asked
}

/** What lies on the disk, with when it was written. */
async function written(): Promise<string[]> {
  const files = (await readdir(dir, { recursive: true })).filter(f => f.endsWith('.pack'))
  return (await Promise.all(files.map(async f => `${f} ${(await stat(join(dir, f))).mtimeMs} ${(await stat(join(dir, f))).size}`))).sort()
}

test('of a study that does not fit what is kept stays, and the rest passes by unwritten, however often it is read', async () => {
  const large = study('large', 2 * LIMIT)
  const first = await read(ADA, large)
  expect(first).toBe(large.blocks.size)
  const before = await written()
  const again = await read(ADA, large)
  expect(again).toBeLessThan(0.7 * first)
  expect(await read(ADA, large)).toBe(again)
  expect(await written()).toEqual(before)
  expect(hot.counts().bytes).toBeLessThanOrEqual(LIMIT)
})

test('a session that reads more than there is room for leaves others a quarter', async () => {
  const small = study('small', LIMIT / 8)
  await read(BOB, small)
  await read(ADA, study('large', 3 * LIMIT))
  expect(await read(BOB, small)).toBe(0)
})

test('what an earlier session used goes when a later one brings something else', async () => {
  await read(ADA, study('old', 0.9 * LIMIT))
  const fresh = study('fresh', 0.6 * LIMIT)
  await read(ADA, fresh)
  expect(await read(ADA, fresh)).toBe(0)
  const other = study('other', 0.6 * LIMIT)
  await read(BOB, other)
  expect(await read(BOB, other)).toBe(0)
  expect(hot.counts().bytes).toBeLessThanOrEqual(LIMIT)
})

test('two sessions that read at once together stay within the limit', async () => {
  const both = [hot.of(ADA), hot.of(BOB)] as const
  await Promise.all([read(ADA, study('a', LIMIT), both[0]), read(BOB, study('b', LIMIT), both[1])])
  expect(hot.counts().bytes).toBeLessThanOrEqual(LIMIT)
})

test('of blocks that lie one after the other, one that is damaged or cut off is asked of the relay again, and no other', async () => {
  const [damaged, cut] = [study('damaged', 4 * BLOCK), study('cut', 4 * BLOCK)]
  const packs = async (): Promise<string[]> => (await readdir(dir, { recursive: true })).filter(f => f.endsWith('.pack'))
  await read(ADA, damaged)
  const [first] = await packs()
  await read(BOB, cut)
  const second = (await packs()).find(p => p !== first)!
  const file = await open(join(dir, first!), 'r+')
  await file.write(Uint8Array.of(1), 0, 1, Math.floor(1.5 * BLOCK))
  await file.close()
  await truncate(join(dir, second), 4 * BLOCK)
  expect([await read(ADA, damaged), await read(BOB, cut), hot.counts().damaged]).toEqual([1, 1, 2])
})
