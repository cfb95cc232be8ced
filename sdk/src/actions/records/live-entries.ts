import type { Ctx } from '#actions/context'
import { type Entry, openEntry } from '#records/catalog'

/** What the vault head names of each record this device knows of, without holding the cards: about 200 bytes a record. */
export async function liveEntries(ctx: Pick<Ctx, 'catalog' | 'session'>): Promise<Pick<Entry, 'id' | 'leaf' | 'compartment' | 'seq'>[]> {
  const key = ctx.session.state.ring.catalog
  const out = []
  for await (const row of ctx.catalog.all()) {
    const { id, leaf, compartment, seq } = await openEntry(key, row.id, row.sealed)
    out.push({ id: id.slice(), leaf: leaf.slice(), compartment: compartment.slice(), seq })
  }
  return out
}
