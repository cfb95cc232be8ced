import type { Ctx } from '#actions/context'
import { type Entry, openEntry } from '#records/catalog'

type Browsing = Pick<Ctx, 'catalog' | 'session'>

/** Every record this device knows of, one after another: memory does not grow with their number. */
export async function* eachEntry(ctx: Browsing): AsyncGenerator<Entry> {
  const key = ctx.session.state.ring.catalog
  for await (const row of ctx.catalog.all()) yield await openEntry(key, row.id, row.sealed)
}

/** The records that `wanted` keeps, without their anchor proofs, which are the larger part of an entry in memory. */
export async function selectEntries(ctx: Browsing, wanted: (e: Entry) => boolean): Promise<Entry[]> {
  const out: Entry[] = []
  for await (const e of eachEntry(ctx)) {
    if (!wanted(e)) continue
    const { anchor: _proof, ...rest } = e
    out.push(rest)
  }
  return out
}
