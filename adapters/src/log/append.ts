import { createHash } from 'node:crypto'

export type Node = { readonly level: number; readonly index: number; readonly hash: Uint8Array }

const NODE = Uint8Array.of(1)

const parent = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(NODE).update(left).update(right).digest())

/**
 * Every node that becomes complete when `leaves` are appended at `size` (RFC 9162 §2.1.1).
 * `edge` holds, by level, the last left sibling, which waits for its right one. It is changed in place.
 */
export function grow(size: number, edge: Map<number, Uint8Array>, leaves: readonly Uint8Array[]): Node[] {
  const nodes: Node[] = []
  leaves.forEach((leaf, i) => {
    let hash = leaf
    let index = size + i
    let level = 0
    nodes.push({ level, index, hash })
    while (index % 2 === 1) {
      hash = parent(edge.get(level)!, hash)
      index = (index - 1) / 2
      level++
      nodes.push({ level, index, hash })
    }
    edge.set(level, hash)
  })
  return nodes
}

/** The (level, index) whose hashes make the edge of a log of `size` leaves. */
export function edgeOf(size: number): { level: number; index: number }[] {
  const out: { level: number; index: number }[] = []
  for (let level = 0, rest = size; rest > 0; level++, rest = Math.floor(rest / 2)) if (rest % 2) out.push({ level, index: rest - 1 })
  return out
}

export const isPlace = (level: number, index: number): boolean =>
  Number.isSafeInteger(level) && Number.isSafeInteger(index) && level >= 0 && level <= 52 && index >= 0
