/** One sealed row of a vault's private, rebuildable index. `id` is the record id (16 bytes). */
export type CatalogRow = { readonly id: Uint8Array; readonly sealed: Uint8Array }

/**
 * A vault's private view for search and timeline, rebuildable from its relays. Rows are sealed by the vault before they
 * come here (`records/catalog`), so the file on disk says nothing; search runs over the opened rows in memory.
 *
 * - `note` inserts or replaces, durable when it resolves; `drop` deletes; `all` yields every row, in no order.
 * - `mark`/`marks` keep small named values (sync cursors, highest seen versions), sealed likewise.
 */
export interface Catalog {
  note(rows: readonly CatalogRow[]): Promise<void>
  drop(ids: readonly Uint8Array[]): Promise<void>
  all(): AsyncIterable<CatalogRow>
  get(id: Uint8Array): Promise<Uint8Array | null>
  mark(name: string, value: Uint8Array): Promise<void>
  marked(name: string): Promise<Uint8Array | null>
  clear(): Promise<void>
  close(): Promise<void>
}
