import { createHash } from 'node:crypto'

// RFC 9162 §2.1 by its definitions, recursive, on hex strings; shares no code with the contracts or the SDK.

export type Hash = `0x${string}`

const sha256 = (...hex: string[]): Hash =>
  `0x${createHash('sha256')
    .update(Buffer.from(hex.join(''), 'hex'))
    .digest('hex')}`
const bare = (hash: Hash) => hash.slice(2)

export const leafHash = (entry: string): Hash => sha256('00', entry)
export const nodeHash = (left: Hash, right: Hash): Hash => sha256('01', bare(left), bare(right))

const split = (n: number): number => 2 ** Math.floor(Math.log2(n - 1))

/** MTH of leaf hashes. */
export function rootOf(leaves: readonly Hash[]): Hash {
  if (leaves.length === 0) return sha256('')
  if (leaves.length === 1) return leaves[0] as Hash
  const k = split(leaves.length)
  return nodeHash(rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)))
}

/** PATH(m, D). */
export function inclusionPath(m: number, leaves: readonly Hash[]): Hash[] {
  if (leaves.length === 1) return []
  const k = split(leaves.length)
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)]
  return m < k ? [...inclusionPath(m, left), rootOf(right)] : [...inclusionPath(m - k, right), rootOf(left)]
}

/** SUBPROOF(m, D, whole); PROOF(m, D) with `whole` true. */
export function consistencyProof(m: number, leaves: readonly Hash[], whole = true): Hash[] {
  if (m === leaves.length) return whole ? [] : [rootOf(leaves)]
  const k = split(leaves.length)
  const [left, right] = [leaves.slice(0, k), leaves.slice(k)]
  return m <= k ? [...consistencyProof(m, left, whole), rootOf(right)] : [...consistencyProof(m - k, right, false), rootOf(left)]
}
