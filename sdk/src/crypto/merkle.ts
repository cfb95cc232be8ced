import { equal } from '#base/bytes'
import { ensure } from '#base/error'
import { sha256 } from './hash.ts'

// RFC 9162 §2.1, SHA-256. Sizes reach beyond 2^32, so halving is division, not shifting.

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/** Hash of a leaf's data: SHA-256(0x00 ‖ data). */
export const leafHash = (data: Uint8Array): Uint8Array => sha256(LEAF, data)

/** Hash of an inner node: SHA-256(0x01 ‖ left ‖ right). */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(NODE, left, right)

/** Root of the tree of no leaves. */
export const emptyRoot = (): Uint8Array => sha256()

/** The largest power of two below `n` (n ≥ 2): where RFC 9162 splits a list. */
function splitPoint(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

/** Roots of all perfect subtrees of a list, by level: what a database of an append-only log holds. */
function perfectLevels(leafHashes: readonly Uint8Array[]): Uint8Array[][] {
  const levels: Uint8Array[][] = [[...leafHashes]]
  for (let below = levels[0]!; below.length > 1; ) {
    const level: Uint8Array[] = []
    for (let i = 0; i + 1 < below.length; i += 2) level.push(nodeHash(below[i]!, below[i + 1]!))
    levels.push(level)
    below = level
  }
  return levels
}

/** A list of the subtree roots that make up a proof or a root, as places [level, index] of perfect subtrees to be folded. */
type Place = { readonly level: number; readonly index: number }

/**
 * The perfect subtrees that make up leaves [start, end), left to right; folding them from the right gives the root of the range.
 * `start` is a multiple of the first one's width, as it is for every range of RFC 9162.
 */
function places(start: number, end: number): Place[] {
  const out: Place[] = []
  for (let at = start; at < end; ) {
    let level = 0
    while (at + 2 ** (level + 1) <= end) level++
    out.push({ level, index: at / 2 ** level })
    at += 2 ** level
  }
  return out
}

type Range = readonly [start: number, end: number]

/** PATH of RFC 9162 §2.1.3.1: the ranges whose roots prove leaf `index` of `size`, from the leaf upwards. */
function inclusionRanges(index: number, size: number): Range[] {
  const out: Range[] = []
  let start = 0
  let end = size
  while (end - start > 1) {
    const middle = start + splitPoint(end - start)
    if (index < middle) {
      out.push([middle, end])
      end = middle
    } else {
      out.push([start, middle])
      start = middle
    }
  }
  return out.reverse()
}

/** SUBPROOF of RFC 9162 §2.1.4.1: the ranges whose roots prove that `m` leaves are the beginning of `n`. */
function consistencyRanges(m: number, n: number): Range[] {
  const out: Range[] = []
  let start = 0
  let end = n
  let whole = true
  while (m !== end) {
    const middle = start + splitPoint(end - start)
    if (m <= middle) {
      out.push([middle, end])
      end = middle
    } else {
      out.push([start, middle])
      start = middle
      whole = false
    }
  }
  if (!whole) out.push([start, end])
  return out.reverse()
}

const fold = (roots: readonly Uint8Array[]): Uint8Array => roots.reduceRight((right, left) => nodeHash(left, right))

function checkPlace(index: number, size: number): void {
  const sane = Number.isSafeInteger(size) && Number.isSafeInteger(index) && index >= 0 && index < size
  ensure(sane, 'BAD_INPUT', 'The tree has no leaf of that index.')
}
function checkSizes(m: number, n: number): void {
  const sane = Number.isSafeInteger(m) && Number.isSafeInteger(n) && m >= 1 && m <= n
  ensure(sane, 'BAD_INPUT', 'A consistency proof is between 1 ≤ m ≤ n leaves.')
}

/** Reads the root of a perfect subtree: the 2^level leaves from `index · 2^level` on. Asked for stored ones only. */
export type GetNode = (level: number, index: number) => Uint8Array | Promise<Uint8Array>

const rangeRoot = async (getNode: GetNode, [start, end]: Range): Promise<Uint8Array> =>
  fold(await Promise.all(places(start, end).map(p => getNode(p.level, p.index))))

/** Root of the first `size` leaves from stored perfect subtrees: O(log n) reads. */
export async function rootFrom(getNode: GetNode, size: number): Promise<Uint8Array> {
  ensure(Number.isSafeInteger(size) && size >= 0, 'BAD_INPUT', 'A tree size is a whole number.')
  return size === 0 ? emptyRoot() : rangeRoot(getNode, [0, size])
}

/** Inclusion proof of leaf `index` in the first `size` leaves from stored perfect subtrees. Throws BAD_INPUT. */
export async function inclusionProofFrom(getNode: GetNode, index: number, size: number): Promise<Uint8Array[]> {
  checkPlace(index, size)
  return Promise.all(inclusionRanges(index, size).map(r => rangeRoot(getNode, r)))
}

/** Proof that the first `m` leaves are the beginning of the first `n`, from stored perfect subtrees. Throws BAD_INPUT. */
export async function consistencyProofFrom(getNode: GetNode, m: number, n: number): Promise<Uint8Array[]> {
  checkSizes(m, n)
  return Promise.all(consistencyRanges(m, n).map(r => rangeRoot(getNode, r)))
}

/** The trees of a batch in memory: computes once, then every root and proof is O(log n). */
export function merkleTree(leafHashes: readonly Uint8Array[]) {
  const levels = perfectLevels(leafHashes)
  const size = leafHashes.length
  const root = ([start, end]: Range): Uint8Array => fold(places(start, end).map(p => levels[p.level]![p.index]!))
  return {
    size,
    root: (): Uint8Array => (size === 0 ? emptyRoot() : root([0, size])),
    inclusionProof: (index: number): Uint8Array[] => {
      checkPlace(index, size)
      return inclusionRanges(index, size).map(root)
    },
    consistencyProof: (m: number): Uint8Array[] => {
      checkSizes(m, size)
      return consistencyRanges(m, size).map(root)
    },
  }
}

/** Merkle Tree Hash (RFC 9162 §2.1.1) of leaf hashes. */
export const merkleRoot = (leafHashes: readonly Uint8Array[]): Uint8Array => merkleTree(leafHashes).root()

/** Inclusion path (§2.1.3.1), from the leaf upwards. For many leaves of one batch use `merkleTree`. Throws BAD_INPUT. */
export const inclusionProof = (leafHashes: readonly Uint8Array[], index: number): Uint8Array[] =>
  merkleTree(leafHashes).inclusionProof(index)

/** Consistency proof (§2.1.4.1) between the first `m` leaves and all. Throws BAD_INPUT unless 1 ≤ m ≤ n. */
export const consistencyProof = (leafHashes: readonly Uint8Array[], m: number): Uint8Array[] => merkleTree(leafHashes).consistencyProof(m)

export type InclusionInput = {
  /** The leaf *hash*. */
  readonly leaf: Uint8Array
  readonly index: number
  readonly size: number
  readonly path: readonly Uint8Array[]
  readonly root: Uint8Array
}

/** Verifies an inclusion path (§2.1.3.2). False for anything malformed, never an exception. */
export function verifyInclusion({ leaf, index, size, path, root }: InclusionInput): boolean {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) return false
  if (leaf.length !== 32 || path.some(p => p.length !== 32)) return false
  let fn = index
  let sn = size - 1
  let hash = leaf
  for (const p of path) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(p, hash)
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2
        sn = Math.floor(sn / 2)
      }
    } else hash = nodeHash(hash, p)
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && equal(hash, root)
}

export type ConsistencyInput = {
  readonly m: number
  readonly n: number
  readonly rootM: Uint8Array
  readonly rootN: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** Verifies that the tree of `n` leaves continues the tree of `m` (§2.1.4.2). False for anything malformed. */
export function verifyConsistency({ m, n, rootM, rootN, proof }: ConsistencyInput): boolean {
  if (!Number.isSafeInteger(m) || !Number.isSafeInteger(n) || m < 1 || m > n) return false
  if (rootM.length !== 32 || rootN.length !== 32 || proof.some(p => p.length !== 32)) return false
  if (m === n) return proof.length === 0 && equal(rootM, rootN)
  // A tree of 2^k leaves is a node of the larger one, so its root is not repeated in the proof.
  const roots = rootsShown(m, n, isPowerOfTwo(m) ? [rootM, ...proof] : proof)
  return roots !== null && equal(roots.old, rootM) && equal(roots.now, rootN)
}

const isPowerOfTwo = (m: number): boolean => Number.isInteger(Math.log2(m)) && 2 ** Math.log2(m) === m

/** The two roots that a proof from `m` to `n` leaves leads to (1 ≤ m < n); null when it is not of the right length. */
function rootsShown(
  m: number,
  n: number,
  [seed, ...rest]: readonly Uint8Array[],
): { readonly old: Uint8Array; readonly now: Uint8Array } | null {
  if (seed === undefined) return null
  let fn = m - 1
  let sn = n - 1
  while (fn % 2 === 1) {
    fn = (fn - 1) / 2
    sn = Math.floor(sn / 2)
  }
  let old = seed
  let now = seed
  for (const c of rest) {
    if (sn === 0) return null
    if (fn % 2 === 1 || fn === sn) {
      old = nodeHash(c, old)
      now = nodeHash(c, now)
      while (fn % 2 === 0 && fn !== 0) {
        fn /= 2
        sn = Math.floor(sn / 2)
      }
    } else now = nodeHash(now, c)
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 ? { old, now } : null
}

/**
 * The root of the first `m` of `n` leaves that a log itself shows by a consistency proof, whatever it signed for `m` before: what
 * proves to others that it rewrote its past. `next` is the proof from `m + 1`, needed where `m` is a power of two, for such a root is not
 * part of its own proof. Null when they show none.
 */
export function earlierRoot(input: Omit<ConsistencyInput, 'rootM'> & { readonly next: readonly Uint8Array[] }): Uint8Array | null {
  const { m, n, rootN, proof, next } = input
  if (!Number.isSafeInteger(m) || !Number.isSafeInteger(n) || m < 1 || m >= n) return null
  const candidates = isPowerOfTwo(m) ? next : [rootsShown(m, n, proof)?.old]
  return candidates.find(c => c !== undefined && verifyConsistency({ m, n, rootM: c, rootN, proof })) ?? null
}
