import type { Cid } from '#base/cid'

export type Block = { readonly cid: Cid; readonly bytes: Uint8Array }

/**
 * Opaque bytes by content address. Every block is ≤ 1 MiB.
 *
 * - `put` refuses bytes that do not hash to their CID (BAD_CID). When it resolves, all blocks of the call are durable:
 *   they survive `kill -9` and power loss, and their bytes are the caller's again, to do with as he likes. Putting what is there already is a no-op.
 * - `get` returns null when the block is not here; a damaged block throws STORAGE_CORRUPT and is never returned.
 * - `drop` forgets blocks; the bytes are unreachable at once and their space is reclaimed in time. Unknown CIDs are ignored.
 * - A place that never forgets says so (`permanent`); its `drop` throws CANNOT_ERASE for any CID.
 * - A place where what was accepted is durable only after a while throws STORAGE_PENDING from `put` until it is: the same blocks are put
 *   again later, and are neither stored nor paid for twice.
 * - Full or failing disks throw STORAGE_FULL or STORAGE_FAILED; then none of the call's blocks counts as stored.
 */
export interface BlockStore {
  readonly permanent?: true
  put(blocks: readonly Block[]): Promise<void>
  get(cid: Cid): Promise<Uint8Array | null>
  has(cid: Cid): Promise<boolean>
  drop(cids: readonly Cid[]): Promise<void>
  /** How many blocks and bytes are held, for status pages and metrics. */
  size(): Promise<{ blocks: number; bytes: number }>
  close(): Promise<void>
}
