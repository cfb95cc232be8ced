import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '#base/bytes'
import { coverNodes, epochSeed, epochSeeds, MAX_EPOCH, TREE_DEPTH, type TreeNode } from './epoch-tree.ts'
import { kemKeyPair } from './kem.ts'
import { codeOf, kw1Vectors } from './vectors.kit.ts'

type Own = {
  root: string
  seeds: { epoch: number; seed: string; public?: string }[]
  covers: { first: number; last: number; nodes: { level: number; index: number; key: string }[] }[]
}
const own = kw1Vectors<Own>('epoch-tree')
const root = fromHex(own.root)
const hex = (nodes: readonly TreeNode[]) => nodes.map(n => ({ ...n, key: toHex(n.key) }))

/** Deterministic intervals, the ends included: cheap by default, and the same for everybody. */
function* intervals(count: number): Generator<readonly [number, number]> {
  let state = 12345
  const next = (): number => {
    state = (state * 1103515245 + 12345) % 2147483648
    return Math.floor(state / 8) % (MAX_EPOCH + 1)
  }
  for (let i = 0; i < count; i++) {
    const [a, b] = [next(), i % 3 === 0 ? next() : -1]
    const end = b < 0 ? Math.min(MAX_EPOCH, a + (next() % 120)) : b
    yield [Math.min(a, end), Math.max(a, end)]
  }
}
const span = (n: TreeNode): readonly [number, number] => {
  const width = 2 ** (TREE_DEPTH - n.level)
  return [n.index * width, (n.index + 1) * width - 1]
}

describe('epoch tree', () => {
  test('seeds and public keys are the known ones', async () => {
    for (const s of own.seeds) {
      const seed = epochSeed(root, s.epoch)!
      expect(toHex(seed)).toBe(s.seed)
      if (s.public) expect(toHex((await kemKeyPair(seed)).public)).toBe(s.public)
    }
  })

  test('covers are the known ones', () => {
    for (const c of own.covers) expect(hex(coverNodes(root, c.first, c.last))).toEqual(c.nodes)
  })

  test('the seeds of an interval are those of its epochs', () => {
    for (const [from, to] of [...intervals(20)].filter(([a, b]) => b - a < 200)) {
      const each = Array.from({ length: to - from + 1 }, (_, i) => epochSeed(root, from + i)!)
      expect(epochSeeds(root, from, to).map(toHex)).toEqual(each.map(toHex))
    }
  })

  test('a cover is exactly the interval, in order, without overlap, of at most 30 nodes', () => {
    for (const [from, to] of intervals(500)) {
      const nodes = coverNodes(root, from, to)
      expect(nodes.length).toBeLessThanOrEqual(2 * TREE_DEPTH - 2)
      let next = from
      for (const n of nodes) {
        expect(span(n)[0]).toBe(next)
        next = span(n)[1] + 1
      }
      expect(next).toBe(to + 1)
    }
  })

  test('a cover is minimal: no two of its nodes are the halves of one', () => {
    for (const [from, to] of intervals(200)) {
      const names = new Set(coverNodes(root, from, to).map(n => `${n.level}/${n.index}`))
      for (const n of coverNodes(root, from, to)) expect(n.level > 0 && names.has(`${n.level}/${n.index ^ 1}`)).toBe(false)
    }
  })

  test('from a cover come the seeds of its epochs, and of no epoch outside', () => {
    for (const [from, to] of intervals(60)) {
      const nodes = coverNodes(root, from, to)
      for (const e of [from, Math.floor((from + to) / 2), to]) expect(epochSeed(nodes, e)).toEqual(epochSeed(root, e))
      for (const e of [from - 1, to + 1, 0, MAX_EPOCH]) if (e < from || e > to) expect(epochSeed(nodes, e)).toBeNull()
    }
  })

  test('no node of a cover is an ancestor of an epoch outside, nor equal to one inside of it', () => {
    const keys = coverNodes(root, 150, 162).map(n => toHex(n.key))
    for (let e = 120; e < 200; e++) expect(keys).not.toContain(toHex(epochSeed(root, e)!))
    expect(keys).not.toContain(own.root)
  })

  test('every epoch and every root has another seed', () => {
    const seeds = new Set(Array.from({ length: 500 }, (_, e) => toHex(epochSeed(root, e)!)))
    expect(seeds.size).toBe(500)
    expect(epochSeed(new Uint8Array(32), 3)).not.toEqual(epochSeed(root, 3))
  })

  test('epochs outside the tree have no seed, and malformed nodes are refused', async () => {
    for (const e of [-1, MAX_EPOCH + 1, 1.5, Number.NaN]) expect(epochSeed(root, e)).toBeNull()
    expect(coverNodes(root, 5, 4)).toEqual([])
    expect(await codeOf(() => coverNodes(root, 0, MAX_EPOCH + 1))).toBe('BAD_INPUT')
    expect(await codeOf(() => coverNodes(root.subarray(1), 0, 1))).toBe('BAD_INPUT')
    for (const bad of [
      { level: 17, index: 0 },
      { level: 3, index: 8 },
      { level: -1, index: 0 },
    ])
      expect(await codeOf(() => epochSeed([{ ...bad, key: root }], 0))).toBe('BAD_INPUT')
    expect(await codeOf(() => epochSeed([{ level: 0, index: 0, key: root.subarray(1) }], 0))).toBe('BAD_INPUT')
  })
})
