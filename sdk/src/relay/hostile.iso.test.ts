import { describe, expect, test, vi } from 'vitest'
import { concat, equal, toHex } from '#base/bytes'
import { cidBytes, dagPbCid, rawCid } from '#base/cid'
import { readNode, unixfsBuilder } from '#base/unixfs'
import { sha256 } from '#crypto/hash'
import { merkleTree } from '#crypto/merkle'
import { INBOX } from '#identity/compartments'
import type { Block } from '#ports/blocks'
import type { Body } from '#wire/methods'
import { codeOf, type Desk, desk } from './desk.kit.ts'

const ids = (g: { items: readonly { id: Uint8Array }[] }) => g.items.map(i => i.id)
const listed = (a: { groups: readonly { items: readonly { id: Uint8Array }[] }[] }) => a.groups.flatMap(g => g.items.map(i => toHex(i.id)))

/** A file node above leaves that are named, whether or not they are there. */
function nodeOver(leaves: readonly Block[]): Block {
  const builder = unixfsBuilder(sha256)
  for (const l of leaves) builder.add(sha256(l.bytes), l.bytes.length)
  builder.add(sha256(new Uint8Array(1)), 1)
  const { root, blocks } = builder.finish()
  return { cid: root, bytes: blocks.find(b => b.cid === root)!.bytes }
}

/** What `nodeOver` puts behind the leaves it was given. */
const LAST: Block = { cid: rawCid(sha256(new Uint8Array(1))), bytes: new Uint8Array(1) }

describe('a reader asks for more than it was granted', () => {
  test('a consent to named records lists those records, whatever the listing asks for', async () => {
    const d = await desk('named')
    const v = await d.vault()
    const { group } = await d.file(v, [d.block(), d.block(), d.block()])
    const hidden = await d.file(v, [d.block()], v.other)
    const reader = await d.party()
    const [one] = ids(group)
    const { encoded } = await d.granted(v, reader, { compartments: [], records: [one!] })
    expect(listed(await d.list(reader, v, {}, encoded))).toEqual([toHex(one!)])
    expect(listed(await d.list(reader, v, { since: 0 }, encoded))).toEqual([toHex(one!)])
    expect(listed(await d.list(reader, v, { since: 0, limit: 10 }, encoded))).toEqual([toHex(one!)])
    for (const asked of [ids(group), ids(hidden.group)])
      expect((await d.open(reader, v, asked, encoded)).reasons).toContain('outside-records')
    expect((await d.list(reader, v, { compartments: [v.general] }, encoded)).verdict).toBe('denied')
  })

  test('what comes after a page is counted as far as the consent reaches, and no further than was asked', async () => {
    const d = await desk('count')
    const v = await d.vault()
    await d.file(v, [d.block(), d.block(), d.block()])
    await d.file(v, [d.block(), d.block()], v.other)
    const reader = await d.party()
    const { encoded } = await d.granted(v, reader)
    const more = async (selection: Body<'access'>['selection']): Promise<unknown> => (await d.list(reader, v, selection, encoded)).more
    expect([await more({ limit: 1, count: 9 }), await more({ limit: 1, count: 1 }), await more({ count: 9 })]).toEqual([2, 1, 0])
    expect(await more({ limit: 1 })).toBeUndefined()
    expect((await d.list(reader, v, { limit: 1, count: 9, compartments: [v.other] }, encoded)).more).toBeUndefined()
  })

  test('of a compartment and epochs it was not granted, nothing is listed and nothing opens', async () => {
    const d = await desk('epochs')
    const v = await d.vault()
    const early = await d.file(v, [d.block()])
    const reader = await d.party()
    const from = d.epoch() + 1
    const { encoded } = await d.granted(v, reader, { from, to: from + 5 })
    expect(listed(await d.list(reader, v, {}, encoded))).toEqual([])
    expect((await d.open(reader, v, ids(early.group), encoded)).reasons).toEqual(['outside-epochs'])
    expect((await d.list(reader, v, { compartments: [v.general, v.other] }, encoded)).reasons).toEqual(['outside-compartments'])
    expect((await d.list(reader, v, { since: 0, compartments: [INBOX] }, encoded)).reasons).toEqual(['outside-compartments'])
  })

  test('unknown ids are answered with nothing and still leave a receipt that names them', async () => {
    const d = await desk('unknown')
    const v = await d.vault()
    const reader = await d.party()
    const { encoded } = await d.granted(v, reader)
    const answer = await d.open(reader, v, [d.random(16)], encoded)
    expect([answer.verdict, answer.groups]).toEqual(['allowed', []])
    expect((await d.callAs(v, 'receipts', { after: 0, limit: 9 })).last).toBe(1)
  })
})

describe('a writer plants what harms another record', () => {
  test('another record’s payload, or a block of it under either codec, is not filed a second time', async () => {
    const d = await desk('planted')
    const [victim, thief] = [await d.vault(), await d.vault()]
    const [payload, leaf] = [d.block(), d.block()]
    const root = nodeOver([leaf])
    await d.putBlocks(victim, victim, [leaf, LAST])
    const good = await d.file(victim, [payload, root])
    const over = nodeOver([leaf, d.block()])
    await d.putBlocks(thief, thief, [over, nodeOver([payload])])
    const submit = (who: typeof thief, b: Block) =>
      codeOf(() => d.callAs(who, 'submit', { vault: who.did, groups: [d.groupFor(who, who.general, [b])], purpose: 'PATRQT' }))
    for (const who of [thief, victim])
      for (const b of [payload, leaf, root, { ...root, cid: rawCid(sha256(root.bytes)) }, nodeOver([payload])])
        expect(await submit(who, b)).toBe('ENVELOPE_MISMATCH')
    const { capability } = await d.open(victim, victim, ids(good.group))
    expect(await d.fetched(capability, [payload.cid, root.cid, leaf.cid])).toEqual([payload, root, leaf])
    await d.erase(victim, ids(good.group))
    for (const b of [payload, leaf, root]) expect(await d.ports.blocks.has(b.cid)).toBe(false)
  })

  test('a payload that is no file node, or lacks leaves, is refused when it is filed; erasing still works', async () => {
    const d = await desk('garbage')
    const v = await d.vault()
    const junk = d.block()
    const asNode = dagPbCid(sha256(junk.bytes))
    await d.putBlocks(v, v, [junk, nodeOver([d.block()])])
    const group = d.groupFor(v, v.general, [{ ...junk, cid: asNode }])
    expect(await codeOf(() => d.callAs(v, 'submit', { vault: v.did, groups: [group], purpose: 'PATRQT' }))).toBe('UNREADABLE')
    const hollow = d.groupFor(v, v.general, [nodeOver([d.block()])])
    expect(await codeOf(() => d.callAs(v, 'submit', { vault: v.did, groups: [hollow], purpose: 'PATRQT' }))).toBe('NOT_FOUND')
  })

  test('a damaged payload does not keep its record, or any other, from being destroyed', async () => {
    const d = await desk('damaged')
    const v = await d.vault()
    const leaf = d.block()
    const root = nodeOver([leaf])
    await d.putBlocks(v, v, [leaf, LAST])
    const { group } = await d.file(v, [root])
    await d.ports.blocks.drop([root.cid])
    await d.erase(v, ids(group))
    await d.restart()
    expect(await d.ports.envelopes.vaults('doomed')).toEqual([])
  })

  test('nodes that repeat a child a thousand times a level are walked once', async () => {
    const d = await desk('bomb')
    const v = await d.vault()
    let below: Block = d.block(10)
    const all = [below]
    for (let level = 0; level < 3; level++) {
      const links = Array.from({ length: 300 }, () => linkTo(below))
      const data = concat(Uint8Array.of(0x08, 0x02), ...Array.from({ length: 300 }, () => Uint8Array.of(0x20, 1)))
      const bytes = concat(...links, Uint8Array.of(0x0a), varint(data.length), data)
      below = { cid: dagPbCid(sha256(bytes)), bytes }
      all.push(below)
    }
    await d.putBlocks(v, v, all.slice(0, -1))
    const read = vi.spyOn(d.ports.blocks, 'get')
    const { group } = await d.file(v, [below])
    await d.erase(v, ids(group))
    expect(read.mock.calls.length).toBeLessThanOrEqual(2 * all.length)
    expect((await d.ports.blocks.size()).blocks).toBe(0)
  })

  test('one submission names a record once', async () => {
    const d = await desk('twice')
    const v = await d.vault()
    const payloads = [d.block(), d.block()]
    await d.putBlocks(v, v, payloads)
    const group = d.groupFor(v, v.general, payloads)
    const twice = { ...group, items: [group.items[0]!, { ...group.items[1]!, id: group.items[0]!.id }] }
    expect(await codeOf(() => d.callAs(v, 'submit', { vault: v.did, groups: [twice], purpose: 'PATRQT' }))).toBe('BAD_INPUT')
  })
})

function varint(n: number): Uint8Array {
  return n < 0x80 ? Uint8Array.of(n) : Uint8Array.of((n & 0x7f) | 0x80, n >> 7)
}
function linkTo(b: Block): Uint8Array {
  const hash = concat(Uint8Array.of(0x0a, 36), cidBytes(b.cid))
  return concat(Uint8Array.of(0x12), varint(hash.length), hash)
}

describe('what the trail keeps', () => {
  const written = async (d: Desk) => {
    const v = await d.vault()
    const doctor = await d.party()
    const { encoded } = await d.granted(v, doctor, { level: 'write' })
    return { v, doctor, encoded }
  }

  test('a receipt of a submission holds no sealed key or card, so that erasing leaves none', async () => {
    const d = await desk('receipt-body')
    const { v, doctor, encoded } = await written(d)
    const payload = d.block()
    await d.putBlocks(doctor, v, [payload], encoded)
    const group = d.groupFor(v, v.general, [payload])
    await d.callAs(doctor, 'submit', { vault: v.did, groups: [group], terms: encoded, purpose: 'TREAT' })
    const { receipts } = await d.callAs(v, 'receipts', { after: 0, limit: 9 })
    expect(receipts).toHaveLength(1)
    expect(receipts[0]!.sealed.sealed.length).toBeLessThan(8000)
  })

  test('a submission of any size that is taken leaves a trail that can be read', async () => {
    const d = await desk('large')
    const { v, doctor, encoded } = await written(d)
    const payload = d.block()
    await d.putBlocks(doctor, v, [payload], encoded)
    const group = d.groupFor(
      v,
      v.general,
      Array.from({ length: 2000 }, () => payload),
    )
    for (const item of group.items) item.card = d.random(800)
    await d.callAs(doctor, 'submit', { vault: v.did, groups: [group], terms: encoded, purpose: 'TREAT' })
    const { receipts, last } = await d.callAs(v, 'receipts', { after: 0, limit: 9 })
    expect([receipts.length, last]).toEqual([1, 1])
  })

  test('more records than a receipt can name are refused as one submission', async () => {
    const d = await desk('too-many')
    const { v, doctor, encoded } = await written(d)
    const payload = d.block()
    await d.putBlocks(doctor, v, [payload], encoded)
    const group = d.groupFor(
      v,
      v.general,
      Array.from({ length: 2100 }, () => payload),
    )
    const second = d.groupFor(
      v,
      v.general,
      Array.from({ length: 2100 }, () => payload),
    )
    expect(
      await codeOf(() => d.callAs(doctor, 'submit', { vault: v.did, groups: [group, second], terms: encoded, purpose: 'TREAT' })),
    ).toBe('TOO_LARGE')
  })
})

describe('T28: blocks of any size', () => {
  test('more than a MiB is neither taken by a relay nor read as a node of a file', async () => {
    const d = await desk('large blocks')
    const v = await d.vault()
    const block = (size: number): Block => {
      const bytes = new Uint8Array(size)
      return { cid: rawCid(sha256(bytes)), bytes }
    }
    expect(await codeOf(() => d.putBlocks(v, v, [block(1 << 20)]))).toBe('no error')
    expect(await codeOf(() => d.putBlocks(v, v, [block((1 << 20) + 1)]))).toBe('TOO_LARGE')
    expect(await codeOf(async () => readNode(new Uint8Array((1 << 20) + 1)))).toBe('TOO_LARGE')
  })
})

describe('T14: replayed', () => {
  test('an access or submission that was used is refused after a restart too', async () => {
    const d = await desk('replay')
    const v = await d.vault()
    const { group } = await d.file(v, [d.block()])
    const access = d.signed(v, 'access', { vault: v.did, action: 'open', selection: { ids: ids(group) }, purpose: 'PATRQT' })
    const submit = d.signed(v, 'submit', { vault: v.did, groups: [group], purpose: 'PATRQT' })
    await d.relay.call('access', access)
    await d.relay.call('submit', submit)
    for (const wait of [0, 299]) {
      d.state.time += wait
      await d.restart()
      expect(await codeOf(() => d.relay.call('access', access))).toBe('REPLAYED')
      expect(await codeOf(() => d.relay.call('submit', submit))).toBe('REPLAYED')
    }
    d.state.time += 2
    expect(await codeOf(() => d.relay.call('access', access))).toBe('CLOCK_SKEW')
    expect((await d.callAs(v, 'receipts', { after: 0, limit: 9 })).last).toBe(1)
  })

  test('remembered nonces are forgotten once their time has passed', async () => {
    const d = await desk('forget')
    const v = await d.vault()
    for (let i = 0; i < 3; i++) await d.list(v, v)
    d.state.time += 2000
    await d.list(v, v)
    const left = await d.ports.envelopes.read(v.did, rows => rows.count('nonce'))
    expect(left).toBe(1)
  })

  test('a call signed for one relay is refused by another', async () => {
    const [a, b] = [await desk('relay a'), await desk('relay b')]
    const v = await a.vault()
    await b.relay.call('enroll', { ...b.signed(v, 'enroll', { bundle: v.bundle }) })
    expect(await codeOf(() => b.relay.call('get-state', a.signed(v, 'get-state', {})))).toBe('BAD_SIGNATURE')
  })

  test('a clock that is an hour off, either way, is told so', async () => {
    const d = await desk('skew')
    const v = await d.vault()
    for (const off of [-3600, 3600]) {
      const call = d.signed(v, 'get-state', {})
      d.state.time += off
      expect(await codeOf(() => d.relay.call('get-state', call))).toBe('CLOCK_SKEW')
      d.state.time -= off
    }
  })
})

describe('anchoring', () => {
  test('somebody who anchors a root first with a wrong size does not stop it', async () => {
    const d = await desk('front-run')
    const v = await d.vault()
    const { group } = await d.file(v, [d.block(), d.block()])
    const root = merkleTree(group.items.map(i => i.leaf)).root()
    await d.ledger.anchors.add(root, 7)
    expect((await d.relay.anchor()).records).toBe(2)
    const { anchors } = await d.callAs(v, 'anchors', { vault: v.did, ids: ids(group) })
    expect(anchors).toHaveLength(2)
    expect(equal(anchors[0]!.root, root)).toBe(false)
    expect((await d.ledger.anchors.of(anchors[0]!.root))?.size).toBe(anchors[0]!.size)
  })
})
