import { describe, expect, test } from 'vitest'
import { fromHex, toHex, u32be } from '#base/bytes'
import {
  consistencyProof,
  consistencyProofFrom,
  earlierRoot,
  emptyRoot,
  type GetNode,
  inclusionProof,
  inclusionProofFrom,
  leafHash,
  merkleRoot,
  merkleTree,
  nodeHash,
  rootFrom,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts'
import { appendLeaf, emptyFrontier, frontierRoot, type MerkleFrontier, peakPlaces } from './merkle-frontier.ts'
import { codeOf, kw1Vectors } from './vectors.kit.ts'

type Own = {
  leaves: string[]
  roots: string[]
  inclusion: { index: number; size: number; path: string[] }[]
  consistency: { m: number; n: number; proof: string[] }[]
}
const own = kw1Vectors<Own>('merkle')
const known = own.leaves.map(l => leafHash(fromHex(l)))
const hashes = (n: number): Uint8Array[] => Array.from({ length: n }, (_, i) => leafHash(u32be(i)))
const flip = (b: Uint8Array): Uint8Array => b.with(0, b[0]! ^ 1)

/** The definition of RFC 9162 §2.1.1, word for word. */
function definition(d: readonly Uint8Array[]): Uint8Array {
  if (d.length === 0) return emptyRoot()
  if (d.length === 1) return d[0]!
  let k = 1
  while (k * 2 < d.length) k *= 2
  return nodeHash(definition(d.slice(0, k)), definition(d.slice(k)))
}

/** A log as a database keeps it: the completed nodes by place. Asking for one that was never completed is an error. */
function grownLog(n: number): { getNode: GetNode; frontier: MerkleFrontier; stored: Map<string, Uint8Array> } {
  const stored = new Map<string, Uint8Array>()
  let frontier = emptyFrontier
  for (const leaf of hashes(n)) {
    const step = appendLeaf(frontier, leaf)
    frontier = step.frontier
    for (const c of step.completed) stored.set(`${c.level}/${c.index}`, c.hash)
  }
  const getNode: GetNode = (level, index) => {
    const found = stored.get(`${level}/${index}`)
    if (!found) throw new Error(`node ${level}/${index} is not stored`)
    return found
  }
  return { getNode, frontier, stored }
}

describe('RFC 9162 trees, known answers', () => {
  test('roots of the Certificate Transparency test trees', () => {
    for (const [n, root] of own.roots.entries()) expect(toHex(merkleRoot(known.slice(0, n)))).toBe(root)
    expect(own.roots[0]).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(own.roots[8]).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328')
  })
  test('inclusion paths', () => {
    for (const v of own.inclusion) {
      expect(inclusionProof(known.slice(0, v.size), v.index).map(toHex)).toEqual(v.path)
      const input = { leaf: known[v.index]!, index: v.index, size: v.size, path: v.path.map(fromHex), root: fromHex(own.roots[v.size]!) }
      expect(verifyInclusion(input)).toBe(true)
    }
  })
  test('consistency proofs', () => {
    for (const v of own.consistency) {
      expect(consistencyProof(known.slice(0, v.n), v.m).map(toHex)).toEqual(v.proof)
      const input = { m: v.m, n: v.n, rootM: fromHex(own.roots[v.m]!), rootN: fromHex(own.roots[v.n]!), proof: v.proof.map(fromHex) }
      expect(verifyConsistency(input)).toBe(true)
    }
  })
})

describe('every way to the same tree', () => {
  test('in memory, grown leaf by leaf, and from stored nodes agree with the definition', async () => {
    const all = hashes(70)
    const { getNode } = grownLog(70)
    let frontier = emptyFrontier
    for (let n = 0; n <= 70; n++) {
      const root = definition(all.slice(0, n))
      expect(merkleRoot(all.slice(0, n))).toEqual(root)
      expect(frontierRoot(frontier)).toEqual(root)
      expect(await rootFrom(getNode, n)).toEqual(root)
      if (n < 70) frontier = appendLeaf(frontier, all[n]!).frontier
    }
  })

  test('proofs from stored nodes are those from memory, also for a smaller size than the log has grown to', async () => {
    const { getNode } = grownLog(70)
    for (const n of [1, 2, 3, 7, 8, 9, 33, 64, 65, 70]) {
      const tree = merkleTree(hashes(n))
      for (let i = 0; i < n; i++) {
        expect(await inclusionProofFrom(getNode, i, n)).toEqual(tree.inclusionProof(i))
        expect(await consistencyProofFrom(getNode, i + 1, n)).toEqual(tree.consistencyProof(i + 1))
      }
    }
  })

  test('a frontier is reloaded from stored nodes and goes on', async () => {
    const { getNode, frontier } = grownLog(45)
    const peaks = await Promise.all(peakPlaces(45).map(p => getNode(p.level, p.index)))
    expect({ size: 45, peaks }).toEqual(frontier)
    expect(frontierRoot(appendLeaf({ size: 45, peaks }, hashes(46)[45]!).frontier)).toEqual(definition(hashes(46)))
  })

  test('appending completes each node once: fewer than two a leaf', () => {
    const { stored } = grownLog(1000)
    expect(stored.size).toBe(1994) // 2n − (set bits of n)
  })

  test('a log of billions is proved with a few dozen reads', async () => {
    const size = 5_000_000_123
    const reads: string[] = []
    const getNode: GetNode = (level, index) => {
      expect(Number.isSafeInteger(index) && (index + 1) * 2 ** level <= size).toBe(true)
      reads.push(`${level}/${index}`)
      return leafHash(new TextEncoder().encode(`${level}/${index}`))
    }
    const path = await inclusionProofFrom(getNode, 4_294_967_299, size)
    const root = await rootFrom(getNode, size)
    const leaf = (await getNode(0, 4_294_967_299)) as Uint8Array
    expect(path.length).toBeLessThanOrEqual(33)
    expect(reads.length).toBeLessThan(120)
    // The nodes are made up and do not add up to one tree, so it must not verify; that it ends is the point.
    expect(verifyInclusion({ leaf, index: 4_294_967_299, size, path, root })).toBe(false)
  })
})

describe('proofs that must not verify', () => {
  test('an altered leaf, index, size, path or root', () => {
    for (const size of [1, 2, 5, 8, 13]) {
      const tree = merkleTree(hashes(size))
      for (let index = 0; index < size; index++) {
        const good = { leaf: hashes(size)[index]!, index, size, path: tree.inclusionProof(index), root: tree.root() }
        expect(verifyInclusion(good)).toBe(true)
        const bad = [
          { leaf: flip(good.leaf) },
          { root: flip(good.root) },
          { index: size },
          { index: -1 },
          { index: index + 0.5 },
          { size: 0 },
          { size: 4 * 2 ** Math.ceil(Math.log2(size)) }, // as if the root were that of a subtree
          { path: [...good.path, good.root] },
          { path: good.path.slice(0, -1).concat(good.path.length ? [] : [good.root]) },
          { path: good.path.map(p => p.subarray(1)).concat(good.path.length ? [] : [new Uint8Array(31)]) },
          ...good.path.map((p, i) => ({ path: good.path.with(i, flip(p)) })),
          ...(size > 1 ? [{ index: (index + 1) % size }] : []),
        ]
        for (const change of bad) expect(verifyInclusion({ ...good, ...change }), JSON.stringify(change)).toBe(false)
      }
    }
  })

  test('a history that was rewritten, shortened or forked', () => {
    for (const [m, n] of [
      [1, 2],
      [3, 7],
      [4, 8],
      [6, 8],
      [7, 13],
      [8, 13],
    ] as const) {
      const tree = merkleTree(hashes(n))
      const good = { m, n, rootM: merkleRoot(hashes(m)), rootN: tree.root(), proof: tree.consistencyProof(m) }
      expect(verifyConsistency(good)).toBe(true)
      const rewritten = merkleRoot(hashes(m).with(0, leafHash(u32be(999))))
      const bad = [
        { rootM: rewritten },
        { rootM: good.rootN },
        { rootN: good.rootM },
        { m: m + 1, rootM: good.rootM },
        { m: 0 },
        { m: n, n: m },
        { proof: [] },
        { proof: [...good.proof, good.rootM] },
        { proof: good.proof.slice(1) },
        ...good.proof.map((p, i) => ({ proof: good.proof.with(i, flip(p)) })),
      ]
      for (const change of bad) expect(verifyConsistency({ ...good, ...change }), `${m}→${n} ${JSON.stringify(change)}`).toBe(false)
    }
  })

  test('a tree is consistent with itself by no proof at all, and by nothing else', () => {
    const root = merkleRoot(hashes(5))
    expect(verifyConsistency({ m: 5, n: 5, rootM: root, rootN: root, proof: [] })).toBe(true)
    expect(verifyConsistency({ m: 5, n: 5, rootM: root, rootN: root, proof: [root] })).toBe(false)
    expect(verifyConsistency({ m: 5, n: 5, rootM: root, rootN: flip(root), proof: [] })).toBe(false)
  })

  test('a leaf cannot pass for a node, nor a node for a leaf', () => {
    const [a, b] = hashes(2) as [Uint8Array, Uint8Array]
    expect(leafHash(new Uint8Array([...a, ...b]))).not.toEqual(nodeHash(a, b))
  })

  test('places that no tree has are refused when a proof is made', async () => {
    expect(await codeOf(() => inclusionProof(hashes(3), 3))).toBe('BAD_INPUT')
    expect(await codeOf(() => consistencyProof(hashes(3), 0))).toBe('BAD_INPUT')
    expect(await codeOf(() => consistencyProof(hashes(3), 4))).toBe('BAD_INPUT')
    expect(await codeOf(() => rootFrom(() => new Uint8Array(32), -1))).toBe('BAD_INPUT')
  })
})

describe('what a log shows of its past', () => {
  test('the earlier root follows from its own proofs at every size but one, and from nobody else’s', () => {
    for (let n = 3; n <= 20; n++) {
      const leaves = hashes(n)
      const tree = merkleTree(leaves)
      for (let m = 1; m < n; m++) {
        const shown = { m, n, rootN: tree.root(), proof: tree.consistencyProof(m), next: m + 1 < n ? tree.consistencyProof(m + 1) : [] }
        const power = Number.isInteger(Math.log2(m))
        const root = merkleRoot(leaves.slice(0, m))
        const told = earlierRoot(shown)
        if (!power || (m > 1 && m + 1 < n)) expect(told).toEqual(root)
        else expect(told === null || told.toString() === root.toString()).toBe(true)
        expect(earlierRoot({ ...shown, rootN: flip(tree.root()) })).toBeNull()
        expect(earlierRoot({ ...shown, proof: shown.proof.map(flip), next: shown.next.map(flip) })).toBeNull()
      }
    }
    expect(earlierRoot({ m: 2, n: 2, rootN: emptyRoot(), proof: [], next: [] })).toBeNull()
  })
})
