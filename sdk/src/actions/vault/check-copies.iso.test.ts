import { describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { eraseRecords } from '#actions/records/erase-records'
import { fileRecords } from '#actions/records/file-records'
import { draft, person, world } from '#actions/story.kit'
import { cidFromBytes } from '#base/cid'
import { KeepwellError } from '#base/error'
import { memoryBlocks } from '#memory/blocks'
import type { Block, BlockStore } from '#ports/blocks'
import type { Relay } from '#ports/relay'
import { chanceToFind, checkCopies, samplesFor } from './check-copies.ts'
import { coldBlocks, copyCold, type Place } from './cold-copies.ts'
import { agreeToKeep } from './safekeeping.ts'

const URL = 'http://home.test'
const WHOLE = { missing: 0, damaged: 0, repaired: 0, lost: 0, unmended: 0, pending: 0 }

/** A store that hands out what the test put in the place of blocks, and takes no block again that it believes to have. */
function spoilt(store: BlockStore): BlockStore & { readonly wrong: Map<string, Uint8Array> } {
  const wrong = new Map<string, Uint8Array>()
  return {
    ...store,
    wrong,
    get: async cid => wrong.get(cid) ?? store.get(cid),
    async drop(cids) {
      for (const cid of cids) wrong.delete(cid)
      await store.drop(cids)
    },
  }
}

/** A place that never forgets: what it has taken is final when the test says so. */
function stone(): BlockStore & { readonly written: BlockStore; final(): void } {
  const written = memoryBlocks()
  const waiting = new Map<string, Block>()
  return {
    ...written,
    written,
    permanent: true,
    async put(blocks) {
      const fresh = []
      for (const block of blocks) if (!(await written.get(block.cid))) fresh.push(block)
      for (const block of fresh) waiting.set(block.cid, block)
      if (fresh.length) throw new KeepwellError('STORAGE_PENDING', 'Not yet.')
    },
    async drop() {
      throw new KeepwellError('CANNOT_ERASE', 'Never.')
    },
    final() {
      void written.put([...waiting.values()])
      waiting.clear()
    },
  }
}

async function lived() {
  const w = await world([URL])
  const ada = await person(w, 'Ada', URL)
  const small = Array.from({ length: 40 }, (_, i) => draft(ada, 'general', `note ${i}`))
  await fileRecords(ada, [
    ...small,
    draft(
      ada,
      'imaging',
      'scan',
      new Uint8Array(1_500_000).map((_, i) => i & 255),
    ),
  ])
  const [share, bucket] = [spoilt(memoryBlocks()), spoilt(memoryBlocks())]
  const places: Place[] = [
    { name: 'share', store: share },
    { name: 'bucket', store: bucket },
  ]
  return { w, ada, places, share, bucket }
}

const cids = async (ctx: Ctx): Promise<string[]> => (await coldBlocks(ctx)).flatMap(c => c.blocks.map(b => cidFromBytes(b)))

describe('cold copies', () => {
  test('hold every block, sealed, at every place; a second round copies what is new, and what was erased is dropped, that alone', async () => {
    const { ada, places, share } = await lived()
    const first = await copyCold(ada, places)
    const all = await cids(ada)
    expect(first).toMatchObject([
      { place: 'share', records: 41, blocks: all.length },
      { place: 'bucket', records: 41, blocks: all.length },
    ])
    expect((await share.size()).blocks).toBe(all.length)
    expect(all.length).toBeGreaterThan(46)
    const [late] = await fileRecords(ada, [draft(ada, 'general', 'late')])
    expect(await copyCold(ada, places)).toMatchObject([{ records: 1, blocks: 1, dropped: 0 }, { records: 1 }])
    await eraseRecords(ada, [late!.id])
    // A device that has not received what is there must not take it for erased.
    await ada.catalog.drop([(await coldBlocks(ada))[0]!.id])
    expect(await copyCold(ada, places)).toMatchObject([{ records: 0, dropped: 1 }, { dropped: 1 }])
    expect((await share.size()).blocks).toBe(all.length)
    expect(await cids(ada)).toHaveLength(all.length)
  })

  test('a place that fails is named, and keeps no other from its copies', async () => {
    const { ada, places, bucket } = await lived()
    const down: BlockStore = { ...bucket, put: async () => Promise.reject(new KeepwellError('STORAGE_FULL', 'No space.')) }
    expect(await copyCold(ada, [{ name: 'bucket', store: down }, places[0]!])).toMatchObject([{ failed: 'STORAGE_FULL' }, { records: 41 }])
    expect(await copyCold(ada, places)).toMatchObject([{ records: 0 }, { place: 'bucket', records: 41 }])
  })
})

describe('a place that never forgets', () => {
  test('is given nothing before the owner agreed, whatever somebody else agreed to', async () => {
    const { w, ada } = await lived()
    const place = { name: 'stone', store: stone() }
    await agreeToKeep(await person(w, 'Ben', URL), { place: 'stone', most: '7' })
    await agreeToKeep(ada, { place: 'another stone', most: '7' })
    expect(await copyCold(ada, [place])).toMatchObject([{ failed: 'CANNOT_ERASE', records: 0, pending: 0 }])
    place.store.final()
    expect((await place.store.size()).blocks).toBe(0)
    await agreeToKeep(ada, { place: 'stone', most: '7' })
    expect(await copyCold(ada, [place])).toMatchObject([{ records: 0, pending: 41 }])
  })

  test('holds copies when it says that they are final; what is erased is left there, is said once, and is asked for no more', async () => {
    const { ada, share } = await lived()
    const places = [
      { name: 'stone', store: stone() },
      { name: 'share', store: share },
    ] as const
    const [{ store }] = places
    await agreeToKeep(ada, { place: 'stone', most: '7' })
    expect(await copyCold(ada, places)).toMatchObject([{ pending: 41, blocks: 0 }, { records: 41 }])
    expect((await checkCopies(ada, { places, samples: 30 })).find(r => r.place === 'stone')).toMatchObject({ of: 0 })
    store.final()
    expect(await copyCold(ada, places)).toMatchObject([{ records: 41, pending: 0 }, { records: 0 }])
    const held = await store.size()
    const { id, blocks } = (await coldBlocks(ada)).find(c => c.blocks.length === 1)!
    await eraseRecords(ada, [id])
    expect(await copyCold(ada, places)).toMatchObject([
      { left: 1, dropped: 0 },
      { left: 0, dropped: 1 },
    ])
    expect(await store.size()).toEqual(held)
    expect(await cids(ada)).not.toContain(cidFromBytes(blocks[0]!))
    expect(await copyCold(ada, places)).toMatchObject([{ left: 0 }, { dropped: 0 }])
    // What it lost is put again from another place, and is whole when that is final.
    const gone = (await cids(ada)).slice(0, 3)
    await store.written.drop(gone)
    const mending = { missing: 3, repaired: 0, pending: 3, lost: 0 }
    expect((await checkCopies(ada, { places, samples: 2000 })).find(r => r.place === 'stone')).toMatchObject(mending)
    store.final()
    expect((await checkCopies(ada, { places, samples: 2000 })).find(r => r.place === 'stone')).toMatchObject(WHOLE)
  })
})

describe('T13: looking for lost copies', () => {
  test('as many draws as the confidence takes', () => {
    expect(samplesFor(0.01, 0.95)).toBe(299)
    expect(chanceToFind(299, 0.01)).toBeGreaterThanOrEqual(0.95)
    expect(chanceToFind(298, 0.01)).toBeLessThan(0.95)
  })

  test.each(['share', 'bucket', 'relay'])('one replica loses a part and has another damaged: %s is named and repaired', async which => {
    const { w, ada, places, share, bucket } = await lived()
    await copyCold(ada, places)
    expect(await checkCopies(ada, { places, samples: 30 })).toMatchObject(
      ['relay', 'share', 'bucket'].map(place => ({ place, asked: 30, ...WHOLE })),
    )
    const home = w.homes.get(URL)!
    const store = which === 'share' ? share : which === 'bucket' ? bucket : home.context.blocks
    const large = (await coldBlocks(ada)).find(c => c.blocks.length > 1)!.blocks.map(b => cidFromBytes(b))
    const all = await cids(ada)
    const lost = [...large.slice(0, 2), ...all.filter((c, i) => i % 2 && !large.includes(c))]
    await store.drop(lost)
    const hurt = all.find(c => !lost.includes(c) && !large.includes(c))!
    if ('wrong' in store) (store as ReturnType<typeof spoilt>).wrong.set(hurt, new Uint8Array(9))
    const reports = await checkCopies(ada, { places, samples: 30 })
    const report = reports.find(r => r.place === which)!
    expect(report).toMatchObject({ of: all.length, asked: all.length, lost: 0 })
    expect(report.repaired).toBe(report.missing + report.damaged)
    expect(report.repaired).toBeGreaterThanOrEqual(lost.length + ('wrong' in store ? 1 : 0))
    expect(await checkCopies(ada, { places, samples: 30 })).toMatchObject(reports.map(({ place }) => ({ place, ...WHOLE })))
    for (const cid of lost) expect(await store.has(cid)).toBe(true)
  })

  test('a part is put right from a place where it is whole, and never from another damaged one', async () => {
    const { w, ada, places, share, bucket } = await lived()
    await copyCold(ada, places)
    const [hurt] = (await cids(ada)).slice(-1)
    await w.homes.get(URL)!.context.blocks.drop([hurt!])
    share.wrong.set(hurt!, new Uint8Array(9))
    const reports = await checkCopies(ada, { places, samples: 2000 })
    expect(reports.map(r => [r.place, r.missing, r.damaged, r.repaired, r.lost])).toEqual([
      ['relay', 1, 0, 1, 0],
      ['share', 0, 1, 1, 0],
      ['bucket', 0, 0, 0, 0],
    ])
    expect(await bucket.has(hurt!)).toBe(true)
  })

  test('what a place took and does not give is not called mended; one that does not answer, or answers later, has lost nothing', async () => {
    const { w, ada, places, share } = await lived()
    await copyCold(ada, places)
    const [, bucket] = places as [Place, Place]
    const [gone] = await cids(ada)
    await share.drop([gone!])
    const forgetful = { name: 'share', store: { ...share, put: async () => {} } }
    const down = { name: 'bucket', store: { ...bucket.store, get: async () => Promise.reject(new KeepwellError('PEER_FAILED', 'Down.')) } }
    const counts = (reports: Awaited<ReturnType<typeof checkCopies>>) =>
      reports.map(r => [r.place, r.missing, r.damaged, r.repaired, r.lost, r.unmended, r.failed ?? null])
    expect(counts(await checkCopies(ada, { places: [forgetful, down], samples: 2000 }))).toEqual([
      ['relay', 0, 0, 0, 0, 0, null],
      ['share', 1, 0, 0, 0, 1, null],
      ['bucket', 0, 0, 0, 0, 0, 'PEER_FAILED'],
    ])
    // The relay has lost it too, and who may have it does not answer: that is not yet a loss.
    await w.homes.get(URL)!.context.blocks.drop([gone!])
    expect(counts(await checkCopies(ada, { places: [forgetful, down], samples: 2000 }))).toEqual([
      ['relay', 1, 0, 0, 0, 1, null],
      ['share', 1, 0, 0, 0, 1, null],
      ['bucket', 0, 0, 0, 0, 0, 'PEER_FAILED'],
    ])
    const home = w.homes.get(URL)!.relay
    const busy: Relay = {
      ...home,
      getBlocks() {
        throw new KeepwellError('RATE_LIMITED', 'Later.')
      },
    }
    const reached = { ...ada, network: { ...ada.network, relay: async () => busy } }
    expect(counts(await checkCopies(reached, { places: [bucket], samples: 5 }))[0]).toEqual(['relay', 0, 0, 0, 0, 0, 'RATE_LIMITED'])
  })

  test('what no place has any more is counted as lost; a relay that does not answer is no loss', async () => {
    const { ada, places, share, bucket, w } = await lived()
    await copyCold(ada, places)
    const [cid] = (await cids(ada)).slice(-1)
    for (const store of [share, bucket, w.homes.get(URL)!.context.blocks]) await store.drop([cid!])
    const reports = await checkCopies(ada, { places, samples: 2000 })
    expect(reports.map(r => [r.place, r.lost, r.repaired])).toEqual([
      ['relay', 1, 0],
      ['share', 1, 0],
      ['bucket', 1, 0],
    ])
    const relay = await ada.network.relay(URL)
    const away = async (): Promise<never> => Promise.reject(new KeepwellError('RELAY_UNREACHABLE', 'Gone.'))
    const gone: Relay = { ...relay, call: away, info: away }
    const reached = { ...ada, network: { ...ada.network, relay: async () => gone } }
    expect((await checkCopies(reached, { places: places.slice(0, 1), samples: 5 }))[0]).toMatchObject({
      failed: 'RELAY_UNREACHABLE',
      missing: 0,
    })
  })
})
