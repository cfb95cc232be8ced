/** What is kept of one record: a sealed head, and how it stands in the order of use or of arrival. */
export type ChestRow = { readonly id: Uint8Array; readonly sealed: Uint8Array; readonly at: number }
export type ChestPart = { readonly name: string; readonly bytes: Uint8Array }

/**
 * Sealed things kept on this device, by record: copies to read where there is no relay, and records that wait to be sent. Everything in it
 * was sealed before it came here.
 *
 * - `put` replaces what was there under the id; whole and durable when it resolves, nothing of it when it throws (STORAGE_FULL).
 *   A chest with a limit lets the rows of lowest `at` go to make room, and puts nothing that is larger than the limit.
 * - `get` and `part` give null for what is not here. `touch` gives rows a new `at`; unknown ids are ignored.
 * - `all` gives every row, lowest `at` first.
 */
export interface Chest {
  put(row: ChestRow, parts: readonly ChestPart[]): Promise<void>
  get(id: Uint8Array): Promise<Uint8Array | null>
  part(id: Uint8Array, name: string): Promise<Uint8Array | null>
  touch(ids: readonly Uint8Array[], at: number): Promise<void>
  drop(ids: readonly Uint8Array[]): Promise<void>
  all(): Promise<readonly ChestRow[]>
  size(): Promise<{ readonly records: number; readonly bytes: number }>
  /** From now on; what is over it goes at once. */
  limit(bytes: number): Promise<void>
  close(): Promise<void>
}
