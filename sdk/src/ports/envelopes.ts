/** Rows of one vault; `kind` is a short fixed name of the relay's schema (`sdk/relay/schema`). */
export type Row = { readonly key: Uint8Array; readonly value: Uint8Array }

export type Range = {
  /** Only keys with this prefix. */
  readonly prefix?: Uint8Array
  /** Only keys strictly greater. */
  readonly after?: Uint8Array
  readonly limit: number
}

/** What one transaction may do. Keys are ≤ 128 bytes and ordered bytewise; values ≤ 4 MiB. */
export interface Rows {
  get(kind: string, key: Uint8Array): Promise<Uint8Array | null>
  put(kind: string, rows: readonly Row[]): Promise<void>
  delete(kind: string, keys: readonly Uint8Array[]): Promise<void>
  /** Ascending by key. */
  scan(kind: string, range: Range): Promise<Row[]>
  count(kind: string, prefix?: Uint8Array): Promise<number>
}

/**
 * The relay's mutable, erasable state: wrapped keys, receipts, calendars. Everything is led by `vault` (any text ≤ 120
 * characters; '' holds what belongs to the relay itself), so that it shards; no transaction spans vaults.
 *
 * - `transact` runs `work` alone for that vault (serialisable); when it resolves, all writes are durable (survive `kill -9`
 *   and power loss); when `work` or the commit throws, none happened. `work` is short: while it runs, others may wait.
 * - `read` sees one consistent snapshot and writes nothing.
 * - `vaults` lists the vault names that have rows of `kind`.
 * - `scrub` overwrites what deletes left behind, in the write-ahead log at once and in the files at once or soon, where the engine can;
 *   elsewhere it does nothing. That is hygiene, not erasure: erasure is the shred keys' work.
 * - Full or failing disks throw STORAGE_FULL or STORAGE_FAILED.
 */
export interface EnvelopeStore {
  transact<T>(vault: string, work: (rows: Rows) => Promise<T>): Promise<T>
  read<T>(vault: string, work: (rows: Omit<Rows, 'put' | 'delete'>) => Promise<T>): Promise<T>
  vaults(kind: string): Promise<string[]>
  scrub(): Promise<void>
  close(): Promise<void>
}

/**
 * Small secrets that must be destroyable: one file (or TPM slot) each, outside the database and its backups.
 *
 * - `put` is durable before it resolves; an existing key of that name is replaced and the old bytes overwritten.
 * - `destroy` overwrites, syncs and unlinks; afterwards `get` gives null for ever. Destroying what is not there is a no-op.
 */
export interface ShredKeys {
  get(name: string): Promise<Uint8Array | null>
  put(name: string, key: Uint8Array): Promise<void>
  destroy(name: string): Promise<void>
}
