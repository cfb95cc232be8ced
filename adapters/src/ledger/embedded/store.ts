export type Row = { readonly key: Uint8Array; readonly value: Uint8Array }

/**
 * Ordered rows of bytes under the ledger. One `write` is atomic: after a crash all of its rows are there or none.
 * `get` is synchronous because the EVM reads thousands of trie nodes a second. A failed `write` leaves the store readable and
 * refusing writes until `revive`, for the failed rows may or may not have reached the disk.
 */
export interface Store {
  /** The value, or undefined when there is none. Throws STORAGE_FAILED or STORAGE_CORRUPT. */
  get(key: Uint8Array): Uint8Array | undefined
  /** At most `limit` rows with `from <= key < to`, ascending or, with `reverse`, descending. */
  range(from: Uint8Array, to: Uint8Array, limit: number, reverse?: boolean): Promise<Row[]>
  /** Writes all rows or none; with `sync`, returns after fsync. Throws STORAGE_FULL or STORAGE_FAILED. */
  write(rows: readonly Row[], sync: boolean): Promise<void>
  /** After a failed write: checks that the medium takes writes again and reopens. Throws when it does not; reads go on. */
  revive(): Promise<void>
  close(): Promise<void>
}

/** The key right after every key that starts with `prefix`. */
export function after(prefix: Uint8Array): Uint8Array {
  const out = Uint8Array.from(prefix)
  for (let i = out.length - 1; i >= 0; i--) {
    if (out[i]! < 255) {
      out[i]!++
      return out.subarray(0, i + 1)
    }
  }
  return new Uint8Array([255, 255, 255, 255])
}
