/**
 * An append-only RFC 9162 Merkle log of leaf hashes (32 bytes each).
 *
 * - `append` returns the index of the first leaf given. When it resolves the leaves are durable and in order; concurrent
 *   calls are serialised; leaves of one call are adjacent. An append that throws appended nothing.
 * - `node` gives the hash of the perfect subtree at (`level`, `index`): leaves `index·2^level … (index+1)·2^level − 1`;
 *   null when that subtree is not complete yet. Together with `crypto/merkle` this proves inclusion and consistency.
 * - `find` gives the index of a leaf hash, null when it was never appended (the first, when appended twice).
 */
export interface Log {
  append(leaves: readonly Uint8Array[]): Promise<number>
  size(): Promise<number>
  node(level: number, index: number): Promise<Uint8Array | null>
  find(leaf: Uint8Array): Promise<number | null>
  close(): Promise<void>
}
