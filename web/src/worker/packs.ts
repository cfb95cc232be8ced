import { mapAhead } from '@keepwell/sdk/actions/records/import-stream'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { Catalog, CatalogRow, PackedCatalog } from '@keepwell/sdk/ports/catalog'
import { isPacked } from '@keepwell/sdk/ports/catalog'
import { type Entry, PACK, packOpener, sealPack } from '@keepwell/sdk/records/catalog'
import { random } from './platform.ts'

/** A catalog below this opens quickly enough row by row. */
const WORTH = 1000

/**
 * Opens what is packed, a pack at a time, and gives the rows that are left to open: those that changed since, or all of them, when nothing
 * is packed, the packs were replaced meanwhile, or one is damaged. Whatever was taken till then is taken again from the rows.
 */
export async function openPacked(
  catalog: Catalog,
  key: Uint8Array,
  take: (entries: readonly Entry[]) => void,
): Promise<AsyncIterable<CatalogRow>> {
  const packed = isPacked(catalog) ? await catalog.packed() : null
  if (!packed) return catalog.all()
  try {
    for await (const entries of mapAhead(packed.packs, 2, packOpener(key))) take(entries)
    return each(packed.changed)
  } catch (e) {
    if (isKeepwellError(e, 'STORAGE_FAILED') || isKeepwellError(e, 'OPEN_FAILED')) return catalog.all()
    throw e
  }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

/** Whether so much changed since the last packs that new ones pay. */
export const worthPacking = async (catalog: PackedCatalog, count: number): Promise<boolean> =>
  count >= WORTH && (await catalog.unpacked()) > Math.max(WORTH / 4, count / 16)

/** Packs all entries anew. What is noted while this goes on counts as changed. */
export async function packAll(catalog: PackedCatalog, key: Uint8Array, entries: readonly Entry[]): Promise<void> {
  const replace = catalog.packing()
  const packs: Uint8Array[] = []
  for (let at = 0; at < entries.length; at += PACK) packs.push(await sealPack(key, entries.slice(at, at + PACK), random))
  await replace(packs)
}
