import { ask, fetcher } from '#actions/access/ask'
import { fromHolder } from '#actions/access/held-blocks'
import type { Ctx } from '#actions/context'
import { homeRelay } from '#actions/vault/calls'
import { toHex } from '#base/bytes'
import { type ErrorCode, ensure, isKeepwellError } from '#base/error'
import type { Entry } from '#records/catalog'
import { payloadCid } from '#records/envelope'
import { groupOpener, type Opened, openRanges, unpack } from '#records/unpack'
import { mapAhead } from './import-stream.ts'
import { keeping, keptCopy, type Openable } from './kept-copies.ts'
import { entryOf } from './list-entries.ts'
import { ownSecret } from './secrets.ts'

type Opening = Pick<Ctx, 'clock' | 'random' | 'network' | 'session' | 'copies' | 'catalog'>

async function keysFor(ctx: Omit<Opening, 'catalog'>, ids: readonly Uint8Array[]) {
  const { ring } = ctx.session.state
  const relay = await homeRelay(ctx)
  const answer = await ask(ctx, relay, { vault: ring.did, action: 'open', selection: { ids: [...ids] }, purpose: 'PATRQT' })
  const holder = fromHolder(ctx, relay, answer)
  const found = []
  for (const group of answer.groups) {
    const secret = ownSecret(ring, group)
    ensure(secret, 'NO_KEY', 'The keyring holds no key for that compartment and generation.')
    const opener = await groupOpener(secret, group)
    for (const item of group.items) found.push({ group, item, card: await opener.card(item), dek: await opener.dek(item) })
  }
  return { found, fetch: fetcher(relay, answer.capability), holder }
}

/** The same, with what organisations hold asked for apart: they are shown the receipt, and should learn of no other record by it. */
async function keysApart(ctx: Opening, ids: readonly Uint8Array[]): Promise<Openable[]> {
  const holders = new Map<string, string>()
  for (const id of ids) {
    const card = (await entryOf(ctx, id))?.card
    if (card?.held) holders.set(toHex(id), card.author)
  }
  const out: Openable[] = []
  for (const some of Map.groupBy(ids, id => holders.get(toHex(id)) ?? '').values()) {
    const { found, fetch, holder } = await keysFor(ctx, some)
    out.push(...found.map(({ item, card, dek }) => ({ id: item.id, dek, cid: payloadCid(item), fetch, ...(card.held ? { holder } : {}) })))
  }
  return out
}

/** Where records are opened from: what this device keeps, and for the rest the relay. Records that are nowhere are left out. */
async function openables(ctx: Opening, ids: readonly Uint8Array[]): Promise<{ here: Openable[]; there: Openable[] }> {
  const here: Openable[] = []
  const missing: Uint8Array[] = []
  for (const id of ids) {
    const kept = await keptCopy(ctx, id)
    if (kept) here.push(kept)
    else missing.push(id)
  }
  if (here.length)
    await ctx.copies?.touch(
      here.map(o => o.id),
      ctx.clock(),
    )
  if (missing.length === 0) return { here, there: [] }
  return { here, there: await keysApart(ctx, missing) }
}

const whole =
  (ctx: Opening) =>
  async (one: Openable): Promise<Opened & { dek: Uint8Array }> => ({
    ...(await unpack({ ...one, subject: ctx.session.state.ring.did })),
    dek: one.dek,
  })

/** Opens a copy; one that is damaged is forgotten, and the relay asked. */
async function openHere(ctx: Opening, one: Openable): Promise<Opened & { dek: Uint8Array }> {
  try {
    return await whole(ctx)(one)
  } catch {
    await ctx.copies?.drop([one.id])
    const { there } = await openables(ctx, [one.id])
    ensure(there[0], 'NOT_FOUND', 'The record is not at the relay.')
    return keeping(ctx, there[0], whole(ctx))
  }
}

/** Opens records of the own vault whole, in memory. Records that are not there are left out. */
export async function openRecords(ctx: Opening, ids: readonly Uint8Array[]): Promise<(Opened & { dek: Uint8Array })[]> {
  const { here, there } = await openables(ctx, ids)
  const out = []
  for (const one of here) out.push(await openHere(ctx, one))
  for (const one of there) out.push(await keeping(ctx, one, whole(ctx)))
  return out
}

/** Opened at the same time: enough to hide the way to the relay. */
const AT_ONCE = 8

/** Opens many records under one receipt; one that cannot be opened is left out, what stops all of them is thrown. */
export async function* openEach(ctx: Opening, ids: readonly Uint8Array[]): AsyncGenerator<Opened> {
  const { here, there } = await openables(ctx, ids)
  const kept = new Set(here)
  const open = (one: Openable): Promise<Opened | null> =>
    (kept.has(one) ? openHere(ctx, one) : keeping(ctx, one, whole(ctx))).catch(e => {
      if (isKeepwellError(e) && !STOPS.has(e.code)) return null
      throw e
    })
  async function* all() {
    yield* [...here, ...there]
  }
  for await (const opened of mapAhead(all(), AT_ONCE, open)) if (opened) yield opened
}
const STOPS = new Set<ErrorCode>(['RELAY_UNREACHABLE', 'RATE_LIMITED', 'STOPPING', 'LOCKED', 'CANCELLED'])

/** Opens one record of the own vault for reading by ranges: bounded memory at any size. */
export async function openRecordStream(ctx: Opening, entry: Pick<Entry, 'id'>) {
  const { here, there } = await openables(ctx, [entry.id])
  const one = here[0] ?? there[0]
  ensure(one, 'NOT_FOUND', 'The record is not at the relay.')
  return openRanges({ ...one, subject: ctx.session.state.ring.did })
}

/** Opens many records for reading by ranges under one receipt; one that cannot be opened is left out. */
export async function* openHeads(ctx: Opening, ids: readonly Uint8Array[]) {
  const { ring } = ctx.session.state
  for (const one of await keysApart(ctx, ids)) {
    const ranges = await openRanges({ ...one, subject: ring.did }).catch(e => {
      if (isKeepwellError(e) && !STOPS.has(e.code)) return null
      throw e
    })
    if (ranges) yield ranges
  }
}

/** Envelopes of the own vault, opened as far as keys and cards: what re-sealing needs. */
export const openKeys = async (ctx: Omit<Opening, 'catalog'>, ids: readonly Uint8Array[]) => (await keysFor(ctx, ids)).found
