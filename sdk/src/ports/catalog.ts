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

/**
 * A catalog that keeps, beside its rows, a copy of them in packs, because opening a few large seals is much quicker than many small ones.
 * The rows stay the truth.
 *
 * - `packed` gives the packs as they were put, in no order, and the rows noted since; null when there are no packs. Reading the packs
 *   throws STORAGE_FAILED when they are replaced meanwhile; then `all` is to be read.
 * - `packing` is called when what is to be packed is gathered, and gives what replaces all packs by it. What is noted after that call
 *   still counts as changed, and so does what another holder of the same storage noted.
 * - `drop` and `clear` drop the packs as well: what was erased stays in none.
 * - `unpacked` counts the rows noted since; all rows when there are no packs.
 */
export interface PackedCatalog extends Catalog {
  packed(): Promise<{ readonly packs: AsyncIterable<Uint8Array>; readonly changed: readonly CatalogRow[] } | null>
  packing(): (packs: readonly Uint8Array[]) => Promise<void>
  unpacked(): Promise<number>
}

export const isPacked = (catalog: Catalog): catalog is PackedCatalog => 'packed' in catalog
