import type { Ctx } from '#actions/context'
import { type Entry, openEntry } from '#records/catalog'

/** Every record this device knows of, opened in memory. */
export async function listEntries(ctx: Pick<Ctx, 'catalog' | 'session'>): Promise<Entry[]> {
  const key = ctx.session.state.ring.catalog
  const out: Entry[] = []
  for await (const row of ctx.catalog.all()) out.push(await openEntry(key, row.id, row.sealed))
  return out
}

export async function entryOf(ctx: Pick<Ctx, 'catalog' | 'session'>, id: Uint8Array): Promise<Entry | null> {
  const sealed = await ctx.catalog.get(id)
  return sealed ? openEntry(ctx.session.state.ring.catalog, id, sealed) : null
}
