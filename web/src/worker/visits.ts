import { u64be } from '@keepwell/sdk/base/bytes'
import type { Catalog } from '@keepwell/sdk/ports/catalog'
import { unlessFull } from './platform.ts'

const MARK = 'web/visit'

/** When this device opened the vault before, in Unix seconds; null the first time. Notes that it is open now, if there is room. */
export async function lastVisit(catalog: Catalog, now: number): Promise<number | null> {
  const before = await catalog.marked(MARK)
  await catalog.mark(MARK, u64be(now)).catch(unlessFull)
  return before ? Number(new DataView(before.buffer, before.byteOffset, 8).getBigUint64(0)) : null
}
