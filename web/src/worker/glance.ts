import { openIndexedDbCatalog } from '@keepwell/adapters/catalog/indexeddb'
import type { Session } from '@keepwell/sdk/actions/context'
import { type Keeping, sealedMark } from '@keepwell/sdk/actions/sealed-mark'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { bytes, object } from '@keepwell/sdk/base/shape'
import type { Catalog } from '@keepwell/sdk/ports/catalog'
import type { Overview } from '#rpc/summary.ts'
import { unlessFull } from './platform.ts'
import { catalogName } from './shelf.ts'

/** Raised whenever an overview looks other than before; one of another version is not shown. */
const VERSION = '1'
const NAME = `web/glance/${VERSION}`
const NONE = { view: new Uint8Array(0) }
const mark = sealedMark(NAME, object({ view: bytes({ max: 1 << 20 }) }), NONE)

/**
 * The summary as this device last saw it, sealed like the rest of the catalog: on screen at once, while the thousands of records behind
 * it are opened. Null when there is none, or it does not open.
 */
export async function readGlance(session: Session): Promise<Overview | null> {
  const catalog = await openIndexedDbCatalog({ name: catalogName(session.state.ring.did) })
  try {
    const { view } = await mark.read({ catalog, session })
    return view.length ? (JSON.parse(new TextDecoder().decode(view)) as Overview) : null
  } catch {
    // A summary can be made again; one that does not open is no reason to keep a person from the record.
    return null
  } finally {
    await catalog.close()
  }
}

/** Keeps the summary for the next time. What is news now is none then. */
export const keepGlance = (ctx: Keeping, overview: Overview): Promise<void> =>
  mark.write(ctx, { view: utf8(JSON.stringify({ ...overview, fresh: null, opening: true } satisfies Overview)) }).catch(unlessFull)

/** What was erased is in no summary either. */
export const dropGlance = (catalog: Catalog): Promise<void> => catalog.mark(NAME, new Uint8Array(0))
