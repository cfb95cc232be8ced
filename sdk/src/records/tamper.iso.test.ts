import { describe, expect, test } from 'vitest'
import { seededRandom } from '#actions/story.kit'
import { concat } from '#base/bytes'
import { encode } from '#base/cbor'
import { type Cid, cidFromBytes, rawCid } from '#base/cid'
import { codeOf } from '#base/code.kit'
import { sha256 } from '#crypto/hash'
import { kemKeyPair } from '#crypto/kem'
import { merkleTree } from '#crypto/merkle'
import { HEADER, PLAIN_SEGMENT } from '#crypto/seal'
import { INBOX } from '#identity/compartments'
import { newDevice, openDevice, sealDevice } from '#identity/device'
import { makeDid } from '#identity/did'
import { sign } from '#identity/signed'
import type { Block } from '#ports/blocks'
import { type Draft, pack } from './pack.ts'
import { joinPlain, sealWhole } from './payload.ts'
import { encodeTail, type Meta, recordDigest } from './plain.ts'
import { groupOpener, leavesOf, openRanges, unpack } from './unpack.ts'

const random = seededRandom('tamper')
const did = makeDid(1, `0x${'aa'.repeat(20)}`)
const elsewhere = makeDid(1, `0x${'bb'.repeat(20)}`)
const signer = { did, version: 1, signing: { ed25519: random(32), mldsa65: random(32) } }

/** A segment says itself whether it is the last, so some altered bytes look like an early end. */
const CLOSED = ['OPEN_FAILED', 'TRUNCATED']

const fetchFrom = (blocks: ReadonlyMap<Cid, Uint8Array>) =>
  async function* (cids: readonly Cid[]) {
    for (const cid of cids) {
      const bytes = blocks.get(cid)
      if (bytes) yield { cid, bytes }
    }
  }

async function filed(body: Uint8Array) {
  const blocks = new Map<Cid, Uint8Array>()
  const pair = await kemKeyPair(random(32))
  const draft: Draft = {
    id: random(16),
    kind: 'document',
    mediaType: 'text/plain',
    compartment: INBOX,
    authoredAt: 1,
    body,
    facts: { title: 'x', codes: [] },
  }
  const { groups, packed } = await pack({
    author: signer,
    subject: did,
    drafts: [draft],
    target: compartment => ({ compartment, generation: 0, epoch: 1, publicKey: pair.public }),
    at: 1,
    random,
    sink: async bs => bs.forEach(b => void blocks.set(b.cid, b.bytes)),
  })
  const item = { ...groups[0]!.items[0]!, seq: 1 }
  const dek = await (await groupOpener(pair.secret, groups[0]!)).dek(item)
  return { blocks, item, dek, pair, group: groups[0]!, id: packed[0]!.id, cid: cidFromBytes(item.cid) }
}
type Filed = Awaited<ReturnType<typeof filed>>

const open = (f: Filed, change: Partial<Parameters<typeof unpack>[0]> = {}) =>
  unpack({ id: f.id, subject: did, dek: f.dek, cid: f.cid, fetch: fetchFrom(f.blocks), ...change })

describe('a payload of one block', () => {
  test('altered anywhere — header, body, padding, tail, tag — or shortened, or lengthened, it does not open', async () => {
    const f = await filed(random(700))
    expect((await open(f)).body).toHaveLength(700)
    const whole = f.blocks.get(f.cid)!
    const serve = (bytes: Uint8Array) => codeOf(() => open(f, { fetch: fetchFrom(new Map([[f.cid, bytes]])) }))
    for (const at of [
      0,
      5,
      HEADER - 1,
      HEADER,
      HEADER + 3,
      HEADER + 400,
      HEADER + 760,
      whole.length - 4000,
      whole.length - 20,
      whole.length - 1,
    ]) {
      const bad = whole.slice()
      bad[at]! ^= 1
      expect(CLOSED).toContain(await serve(bad))
    }
    for (const length of [0, 3, HEADER, HEADER + 10, whole.length - 1]) expect(CLOSED).toContain(await serve(whole.slice(0, length)))
    expect(CLOSED).toContain(await serve(concat(whole, new Uint8Array(1))))
  })

  test('another key, another record’s id, or another vault is refused by name', async () => {
    const [f, g] = [await filed(random(100)), await filed(random(100))]
    expect(await codeOf(() => open(f, { dek: g.dek }))).toBe('OPEN_FAILED')
    expect(await codeOf(() => open(f, { id: g.id }))).toBe('OPEN_FAILED')
    expect(await codeOf(() => open(f, { subject: elsewhere }))).toBe('WRONG_SUBJECT')
    expect(await codeOf(() => open(f, { cid: g.cid, fetch: fetchFrom(g.blocks) }))).toBe('OPEN_FAILED')
    expect(await codeOf(() => open(f, { fetch: fetchFrom(new Map()) }))).toBe('NOT_FOUND')
  })
})

describe('a payload of many blocks', () => {
  test('segments that are swapped, dropped, repeated, or of another record do not open', async () => {
    const [f, g] = [await filed(random(900_000)), await filed(random(900_000))]
    expect((await open(f)).body).toHaveLength(900_000)
    const leaves = [...f.blocks.keys()].filter(c => c !== f.cid)
    const others = [...g.blocks.keys()].filter(c => c !== g.cid)
    const remap = (change: (leaf: number) => Uint8Array | null) => {
      const blocks = new Map(f.blocks)
      leaves.forEach((cid, i) => {
        const bytes = change(i)
        if (bytes) blocks.set(cid, bytes)
        else blocks.delete(cid)
      })
      return codeOf(() => open(f, { fetch: fetchFrom(blocks) }))
    }
    const own = (i: number) => f.blocks.get(leaves[i]!)!
    expect(await remap(i => own(i === 1 ? 2 : i === 2 ? 1 : i))).toBe('OPEN_FAILED')
    expect(await remap(i => own(i === 2 ? 1 : i))).toBe('OPEN_FAILED')
    expect(await remap(i => (i === 1 ? g.blocks.get(others[1]!)! : own(i)))).toBe('OPEN_FAILED')
    expect(await remap(i => (i === 0 ? g.blocks.get(others[0]!)! : own(i)))).toBe('OPEN_FAILED')
    expect(await remap(i => (i === 2 ? null : own(i)))).toBe('NOT_FOUND')
    expect(CLOSED).toContain(await remap(i => (i === leaves.length - 1 ? own(i).slice(0, -5) : own(i))))
  })
})

describe('T27: what the author signed', () => {
  const craft = async (change: Partial<Meta>, tamper: (t: Uint8Array) => Uint8Array = t => t) => {
    const id = random(16)
    const body = random(64)
    const meta: Meta = {
      v: 1,
      id,
      authorSalt: random(32),
      subject: did,
      author: did,
      kind: 'document',
      mediaType: 'text/plain',
      authoredAt: 1,
      size: 64,
      bodyHash: sha256(body),
      ...change,
    }
    const tree = merkleTree([recordDigest(meta)])
    const batch = await sign(signer, 'batch', { v: 1, root: tree.root(), size: 1, at: 1 })
    const blocks: Block[] = []
    const sink = async (b: readonly Block[]) => void blocks.push(...b)
    const key = random(32)
    const tail = tamper(encodeTail({ meta, proof: { batch, index: 0, path: [] } }))
    const cid = await sealWhole(joinPlain(body, tail), { id, key, random, sink })
    return codeOf(() => unpack({ id, subject: did, dek: key, cid, fetch: fetchFrom(new Map(blocks.map(b => [b.cid, b.bytes]))) }))
  }

  test('a body, id, subject, size or author other than the one signed is refused, sealed however well', async () => {
    expect(await craft({})).toBe('no error')
    expect(await craft({ bodyHash: random(32) })).toBe('BAD_SIGNATURE')
    expect(await craft({ size: 63 })).toBe('BAD_SIGNATURE')
    expect(await craft({ size: 1 << 30 })).toBe('UNREADABLE')
    expect(await craft({ id: random(16) })).toBe('ENVELOPE_MISMATCH')
    expect(await craft({ subject: elsewhere })).toBe('WRONG_SUBJECT')
    expect(await craft({ author: elsewhere })).toBe('BAD_SIGNATURE')
  })

  test('a tail that is garbage is an error, never a crash', async () => {
    const last = (n: number) => (t: Uint8Array) => concat(t.subarray(0, -4), Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n))
    for (const n of [0, 1, 0xffffffff, 1 << 20]) expect(['UNREADABLE', 'BAD_CBOR', 'BAD_INPUT']).toContain(await craft({}, last(n)))
    for (let i = 0; i < 40; i++) {
      const at = i * 7
      const result = await craft({}, t => {
        const bad = t.slice()
        bad[at % bad.length]! ^= 0x55
        return bad
      })
      expect([
        'UNREADABLE',
        'BAD_CBOR',
        'BAD_INPUT',
        'BAD_SIGNATURE',
        'WRONG_SUBJECT',
        'ENVELOPE_MISMATCH',
        'no error',
        'BAD_CID',
      ]).toContain(result)
    }
  })
})

describe('T07: sealed keys, and the suite that they name', () => {
  test('an envelope opens under its own key, compartment, generation, epoch, vault and suite alone', async () => {
    const f = await filed(random(10))
    const tries = [{ vault: elsewhere }, { compartment: random(16) }, { generation: 1 }, { epoch: 2 }, { enc: random(1120) }]
    for (const change of tries)
      expect(await codeOf(async () => (await groupOpener(f.pair.secret, { ...f.group, ...change })).card(f.item))).toBe('OPEN_FAILED')
    expect(await codeOf(() => groupOpener(f.pair.secret, { ...f.group, suite: 'kw2' }))).toBe('UNKNOWN_SUITE')
    const other = await kemKeyPair(random(32))
    expect(await codeOf(async () => (await groupOpener(other.secret, f.group)).dek(f.item))).toBe('OPEN_FAILED')
  })

  test('a wrong passphrase, an altered or a foreign device file, or an unknown suite is told, and the right one still opens', async () => {
    const cost = { memoryKiB: 8192, passes: 1, lanes: 1 }
    const device = await newDevice(did, 'phone', random)
    const file = await sealDevice(device, 'right words', cost, random)
    expect(await codeOf(() => openDevice(file, 'wrong words'))).toBe('WRONG_PASSPHRASE')
    for (const change of [{ name: 'other' }, { vault: elsewhere }, { id: random(16) }, { salt: random(16) }, { sealed: random(48) }])
      expect(await codeOf(() => openDevice({ ...file, ...change }, 'right words'))).toBe('WRONG_PASSPHRASE')
    expect(await codeOf(() => openDevice({ ...file, suite: 'kw9' }, 'right words'))).toBe('UNKNOWN_SUITE')
    expect((await openDevice(file, 'right words')).secret).toEqual(device.secret)
  })

  test('what is not an address is refused', () => {
    expect(() => cidFromBytes(encode([1]))).toThrow(expect.objectContaining({ code: 'BAD_CID' }))
    expect(rawCid(sha256(encode([1])))).toMatch(/^b/)
  })
})

test('the meta of a large record is read from its last segment alone, and from the one before where it reaches that far', async () => {
  const openAt = async (size: number) => {
    const f = await filed(random(size))
    const asked = new Set<Cid>()
    const fetch = (cids: readonly Cid[]) => {
      for (const cid of cids) asked.add(cid)
      return fetchFrom(f.blocks)(cids)
    }
    const { meta, proof } = await openRanges({ id: f.id, subject: did, dek: f.dek, cid: f.cid, fetch })
    expect(meta.size).toBe(size)
    const [, ...segments] = await leavesOf(fetch, f.cid)
    return { tail: encodeTail({ meta, proof }).length, read: segments.map(cid => asked.has(cid)) }
  }
  const two = 2 * PLAIN_SEGMENT
  const { tail, read } = await openAt(two + 6000)
  expect(read).toEqual([false, false, true])
  for (const [size, expected] of [
    [two, [false, false, true]],
    [two - 1, [false, true, true]],
    [two - tail + 2, [false, true, true]],
    [two - tail, [false, true]],
  ] as const)
    expect([size, (await openAt(size)).read]).toEqual([size, expected])
})
