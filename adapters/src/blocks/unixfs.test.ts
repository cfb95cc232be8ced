import { type UnixFS, unixfs } from '@helia/unixfs'
import { concat } from '@keepwell/sdk/base/bytes'
import { type Cid, cidBytes, parseCid } from '@keepwell/sdk/base/cid'
import { readNode, unixfsBuilder } from '@keepwell/sdk/base/unixfs'
import { CID } from 'multiformats/cid'
import { describe, expect, test } from 'vitest'
import { sha256 } from './segment.ts'

/** A blockstore as Helia wants it, over a map. */
function memoryStore() {
  const held = new Map<string, Uint8Array>()
  const put = async (cid: CID, bytes: unknown) => {
    held.set(cid.toString(), bytes as Uint8Array)
    return cid
  }
  const store = {
    held,
    put,
    has: async (cid: CID) => held.has(cid.toString()),
    async *get(cid: CID) {
      yield held.get(cid.toString())!
    },
  }
  return { held, fs: unixfs({ blockstore: store } as unknown as Parameters<typeof unixfs>[0]), put }
}

/** Leaf 0 is a FLOE header of 74 bytes, the others are segments; here of any length. */
const leavesOf = (count: number, segment: number, last = segment) =>
  Array.from({ length: count }, (_, i) => new Uint8Array(i === 0 ? 74 : i === count - 1 ? last : segment).fill(i % 253))

const build = (leaves: readonly Uint8Array[]) => {
  const builder = unixfsBuilder(sha256)
  const inner = leaves.flatMap(leaf => builder.add(sha256(leaf), leaf.length))
  const { root, blocks } = builder.finish()
  return { root, inner: [...inner, ...blocks] }
}

async function readAll(fs: UnixFS, root: Cid): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of fs.cat(CID.parse(root))) parts.push(part)
  return concat(...parts)
}

describe('the layout of large payloads is UnixFS', () => {
  const sizes: [number, number, number][] = [
    [2, 262_144, 1],
    [3, 262_144, 262_144],
    [7, 262_144, 99_999],
    [1023, 40, 7],
    [1024, 40, 40],
    [1025, 40, 1],
    [1026, 40, 40],
    [2048, 40, 40],
    [3333, 40, 3],
  ]

  test.each(sizes)('%i leaves: Helia makes the same root of the same leaves, and reads the same bytes', async (count, segment, last) => {
    const leaves = leavesOf(count, segment, last)
    const mine = build(leaves)
    const theirs = memoryStore()
    const root = await theirs.fs.addByteStream(leaves, {
      rawLeaves: true,
      cidVersion: 1,
      chunker: async function* (source) {
        for await (const leaf of source) yield leaf
      },
      layout: balanced(1024),
    })
    expect(mine.root).toBe(root.toString())
    const inner = new Set(mine.inner.map(b => b.cid))
    for (const { cid, bytes } of mine.inner) expect(theirs.held.get(cid)).toEqual(bytes)
    for (const cid of theirs.held.keys()) expect(inner.has(cid) || parseCid(cid).codec === 'raw').toBe(true)

    const store = memoryStore()
    for (const { cid, bytes } of mine.inner) await store.put(CID.decode(cidBytes(cid)), bytes)
    for (const leaf of leaves) await store.put(CID.parse(build([leaf]).root), leaf)
    expect(await readAll(store.fs, mine.root)).toEqual(concat(...leaves))
  })

  test('the links of a node lead to every leaf in order', () => {
    const leaves = leavesOf(1500, 20)
    const { root, inner } = build(leaves)
    const nodes = new Map(inner.map(b => [b.cid, b.bytes]))
    const below = (cid: Cid): { cid: Cid; size: number }[] => {
      const node = nodes.get(cid)
      return node ? readNode(node).links.flatMap(link => (nodes.has(link.cid) ? below(link.cid) : [link])) : []
    }
    expect(below(root)).toEqual(leaves.map(leaf => ({ cid: build([leaf]).root, size: leaf.length })))
    expect(readNode(nodes.get(root)!).links.map(l => l.size)).toEqual([74 + 1023 * 20, 476 * 20])
  })

  test('what is no file node is refused', () => {
    const node = build(leavesOf(5, 20)).inner.at(-1)!.bytes
    const bad = [new Uint8Array(0), new Uint8Array(50), node.subarray(0, -3), concat(node, Uint8Array.of(1)), new Uint8Array(64).fill(0xff)]
    for (const bytes of bad) expect(() => readNode(bytes)).toThrow(expect.objectContaining({ code: 'UNREADABLE' }))
    for (let at = 0; at < node.length; at++) {
      const bent = node.slice()
      bent[at]! ^= 0x81
      try {
        readNode(bent)
      } catch (e) {
        expect(e).toMatchObject({ code: 'UNREADABLE' })
      }
    }
  })
})

/** ipfs-unixfs-importer's balanced layout with another fan-out. */
const balanced =
  (fan: number) =>
  async <T>(source: AsyncIterable<T> | Iterable<T>, reduce: (group: T[]) => Promise<T>): Promise<T> => {
    let level: T[] = []
    for await (const item of source) level.push(item)
    do {
      const next: T[] = []
      for (let i = 0; i < level.length; i += fan) next.push(await reduce(level.slice(i, i + fan)))
      level = next
    } while (level.length > 1)
    return level[0]!
  }
