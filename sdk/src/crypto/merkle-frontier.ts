import { ensure } from '#base/error'
import { emptyRoot, nodeHash } from './merkle.ts'

/**
 * All an append-only log must remember to grow: its size and the roots of its perfect subtrees, widest first (one per set bit of
 * the size; at most 53 hashes).
 */
export type MerkleFrontier = { readonly size: number; readonly peaks: readonly Uint8Array[] }

/** A perfect subtree that an append completed: what a database stores for `inclusionProofFrom` and `consistencyProofFrom`. */
export type CompletedNode = { readonly level: number; readonly index: number; readonly hash: Uint8Array }

export const emptyFrontier: MerkleFrontier = { size: 0, peaks: [] }

/** Appends one leaf hash: the new frontier, and the nodes it completed (the leaf itself first). O(log n), amortised two hashes. */
export function appendLeaf({ size, peaks }: MerkleFrontier, leaf: Uint8Array): { frontier: MerkleFrontier; completed: CompletedNode[] } {
  const next = [...peaks]
  const completed: CompletedNode[] = [{ level: 0, index: size, hash: leaf }]
  let hash = leaf
  let index = size
  for (let level = 1; index % 2 === 1; level++) {
    hash = nodeHash(next.pop()!, hash)
    index = (index - 1) / 2
    completed.push({ level, index, hash })
  }
  next.push(hash)
  return { frontier: { size: size + 1, peaks: next }, completed }
}

/** The root of all leaves appended so far (RFC 9162 §2.1.1). */
export const frontierRoot = ({ peaks }: MerkleFrontier): Uint8Array =>
  peaks.length === 0 ? emptyRoot() : peaks.reduceRight((right, left) => nodeHash(left, right))

/** The places [level, index] of the peaks of a log of `size` leaves, widest first: to load a frontier from stored nodes. */
export function peakPlaces(size: number): { level: number; index: number }[] {
  ensure(Number.isSafeInteger(size) && size >= 0, 'BAD_INPUT', 'A tree size is a whole number.')
  const out: { level: number; index: number }[] = []
  for (let level = 52, at = 0; level >= 0; level--) {
    if (Math.floor(size / 2 ** level) % 2 === 0) continue
    out.push({ level, index: at / 2 ** level })
    at += 2 ** level
  }
  return out
}
