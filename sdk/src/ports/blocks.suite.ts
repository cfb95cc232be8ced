import { sha256 } from '@noble/hashes/sha2.js'
import { afterEach, describe, expect, test } from 'vitest'
import { compare, utf8 } from '#base/bytes'
import { dagPbCid, rawCid } from '#base/cid'
import type { Block, BlockStore } from './blocks.ts'
import type { Fixture, MakeFixture } from './fixture.ts'
import { MAX_BLOCK_BYTES } from './limits.ts'

const block = (bytes: Uint8Array): Block => ({ cid: rawCid(sha256(bytes)), bytes })
/** No two parts alike: a place that cuts blocks up may keep equal parts once. */
const varied = (length: number): Block => block(new Uint8Array(length).map((_, i) => i ^ (i >> 8) ^ (i >> 16)))
const named = (name: string, length = 200): Block => {
  const bytes = new Uint8Array(length)
  bytes.set(utf8(name).subarray(0, length))
  return block(bytes)
}

/** The law of `BlockStore`: every adapter's test is one call to this. A place that never forgets is asked for all but forgetting. */
export function blockStoreSuite(make: MakeFixture<BlockStore>, { permanent = false }: { readonly permanent?: boolean } = {}): void {
  let fixture: Fixture<BlockStore>
  let store: BlockStore
  const start = async () => {
    fixture = await make()
    store = await fixture.open()
  }
  const reopen = async () => {
    await store.close()
    store = await fixture.open()
  }
  describe('BlockStore', () => {
    afterEach(async () => {
      await store.close()
      await fixture.dispose?.()
    })

    test('what was put is given back, and what was not is null', async () => {
      await start()
      const blocks = ['a', 'b', 'c'].map(name => named(name))
      await store.put(blocks)
      for (const { cid, bytes } of blocks) {
        expect(await store.has(cid)).toBe(true)
        expect(await store.get(cid)).toEqual(bytes)
      }
      const absent = named('absent').cid
      expect(await store.has(absent)).toBe(false)
      expect(await store.get(absent)).toBeNull()
      expect(await store.size()).toEqual({ blocks: 3, bytes: 600 })
    })

    test('bytes are the caller’s again once they were put', async () => {
      await start()
      const mine = named('mine', 40_000)
      const kept = mine.bytes.slice()
      await store.put([mine])
      mine.bytes.fill(0)
      expect(await store.get(mine.cid)).toEqual(kept)
    })

    test('every length from empty to the limit survives', async () => {
      await start()
      const blocks = [0, 1, 15, 16, 4095, 65_535, 65_536, 262_144, MAX_BLOCK_BYTES].map(varied)
      await store.put(blocks)
      await reopen()
      for (const { cid, bytes } of blocks) expect(compare((await store.get(cid)) ?? utf8('missing'), bytes)).toBe(0)
    })

    test('bytes that do not hash to their CID are refused, and nothing of that call is kept', async () => {
      await start()
      const good = named('good')
      const forged: Block = { cid: named('claimed').cid, bytes: utf8('something else') }
      await expect(store.put([good, forged])).rejects.toMatchObject({ code: 'BAD_CID' })
      expect(await store.has(good.cid)).toBe(false)
      expect(await store.has(forged.cid)).toBe(false)
      expect(await store.size()).toEqual({ blocks: 0, bytes: 0 })
    })

    test('an address that is no CID is refused', async () => {
      await start()
      for (const cid of ['', 'hello', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG']) {
        await expect(store.get(cid)).rejects.toMatchObject({ code: 'BAD_CID' })
        await expect(store.put([{ cid, bytes: utf8('x') }])).rejects.toMatchObject({ code: 'BAD_CID' })
      }
    })

    test('a block above 1 MiB is refused', async () => {
      await start()
      await expect(store.put([block(new Uint8Array(MAX_BLOCK_BYTES + 1))])).rejects.toMatchObject({ code: 'TOO_LARGE' })
      expect((await store.size()).blocks).toBe(0)
    })

    test('putting again changes nothing, also within one call and as dag-pb', async () => {
      await start()
      const one = named('one')
      const twin: Block = { cid: dagPbCid(sha256(one.bytes)), bytes: one.bytes }
      await store.put([one, one, twin])
      await store.put([one])
      expect(await store.size()).toEqual({ blocks: 1, bytes: 200 })
      expect(await store.get(twin.cid)).toEqual(one.bytes)
    })

    test('an empty call is no work', async () => {
      await start()
      await store.put([])
      await store.drop([])
      expect(await store.size()).toEqual({ blocks: 0, bytes: 0 })
    })

    // A Node Buffer is a Uint8Array whose `slice` shares memory.
    test.each(['Uint8Array', 'Buffer'])('a caller that changes its %s afterwards changes nothing here', async kind => {
      await start()
      const one = named('one')
      const mine = kind === 'Buffer' && globalThis.Buffer ? globalThis.Buffer.from(one.bytes) : one.bytes.slice()
      await store.put([{ cid: one.cid, bytes: mine }])
      mine.fill(9)
      const got = await store.get(one.cid)
      expect(got).toEqual(one.bytes)
      got?.fill(7)
      expect(await store.get(one.cid)).toEqual(one.bytes)
    })

    test.runIf(permanent)('what was put is never taken out again, and whoever asks for that is told so', async () => {
      await start()
      expect(store.permanent).toBe(true)
      const kept = named('kept')
      await store.put([kept])
      await expect(store.drop([kept.cid])).rejects.toMatchObject({ code: 'CANNOT_ERASE' })
      expect(await store.get(kept.cid)).toEqual(kept.bytes)
    })

    test.skipIf(permanent)('dropped blocks are gone at once and after a restart; unknown CIDs are ignored', async () => {
      await start()
      const [kept, dropped] = [named('kept'), named('dropped')]
      await store.put([kept, dropped])
      await store.drop([dropped.cid, named('never there').cid])
      expect(await store.get(dropped.cid)).toBeNull()
      expect(await store.size()).toEqual({ blocks: 1, bytes: 200 })
      await reopen()
      expect(await store.has(dropped.cid)).toBe(false)
      expect(await store.get(kept.cid)).toEqual(kept.bytes)
      expect(await store.size()).toEqual({ blocks: 1, bytes: 200 })
    })

    test.skipIf(permanent)('a dropped block can be put again', async () => {
      await start()
      const one = named('one')
      for (let round = 0; round < 3; round++) {
        await store.put([one])
        await store.drop([one.cid])
      }
      await store.put([one])
      await reopen()
      expect(await store.get(one.cid)).toEqual(one.bytes)
    })

    test('everything acknowledged is there after a restart', async () => {
      await start()
      const blocks = Array.from({ length: 300 }, (_, i) => named(`block ${i}`, 100 + i))
      for (let i = 0; i < blocks.length; i += 60) await store.put(blocks.slice(i, i + 60))
      await reopen()
      expect((await store.size()).blocks).toBe(300)
      for (const { cid, bytes } of blocks) expect(await store.get(cid)).toEqual(bytes)
      await store.put([named('after')])
      await reopen()
      expect((await store.size()).blocks).toBe(301)
    })

    test('concurrent puts, gets and drops (of what forgets) do not disturb each other', async () => {
      await start()
      const shared = named('shared')
      // Where each is paid for and waited for, fewer will do.
      const calls = permanent ? 6 : 30
      const of = (i: number) => Array.from({ length: 10 }, (_, j) => named(`${i}.${j}`, 300))
      await Promise.all(Array.from({ length: calls }, (_, i) => store.put([...of(i), shared])))
      expect((await store.size()).blocks).toBe(calls * 10 + 1)
      await Promise.all(
        Array.from({ length: calls }, async (_, i) => {
          if (i % 2 && !permanent) await store.drop(of(i).map(b => b.cid))
          else for (const b of of(i)) expect(await store.get(b.cid)).toEqual(b.bytes)
        }),
      )
      expect((await store.size()).blocks).toBe(permanent ? calls * 10 + 1 : calls * 5 + 1)
      expect(await store.get(shared.cid)).toEqual(shared.bytes)
    })
  })
}
