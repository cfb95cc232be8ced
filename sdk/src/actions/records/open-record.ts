import { ask, fetcher } from '#actions/access/ask'
import type { Ctx } from '#actions/context'
import { homeRelay } from '#actions/vault/calls'
import { type ErrorCode, ensure, isKeepwellError } from '#base/error'
import type { Entry } from '#records/catalog'
import { payloadCid } from '#records/envelope'
import { groupOpener, type Opened, openRanges, unpack } from '#records/unpack'
import { mapAhead } from './import-stream.ts'
import { ownSecret } from './secrets.ts'

type Opening = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

async function keysFor(ctx: Opening, ids: readonly Uint8Array[]) {
  const { ring } = ctx.session.state
  const relay = await homeRelay(ctx)
  const answer = await ask(ctx, relay, { vault: ring.did, action: 'open', selection: { ids: [...ids] }, purpose: 'PATRQT' })
  const found = []
  for (const group of answer.groups) {
    const secret = ownSecret(ring, group)
    ensure(secret, 'NO_KEY', 'The keyring holds no key for that compartment and generation.')
    const opener = await groupOpener(secret, group)
    for (const item of group.items) found.push({ group, item, card: await opener.card(item), dek: await opener.dek(item) })
  }
  return { found, fetch: fetcher(relay, answer.capability) }
}

/** Opens records of the own vault whole, in memory. Records that are not there are left out. */
export async function openRecords(ctx: Opening, ids: readonly Uint8Array[]): Promise<(Opened & { dek: Uint8Array })[]> {
  const { ring } = ctx.session.state
  const { found, fetch } = await keysFor(ctx, ids)
  const out = []
  for (const { item, dek } of found)
    out.push({ ...(await unpack({ id: item.id, subject: ring.did, dek, cid: payloadCid(item), fetch })), dek })
  return out
}

/** Opened at the same time: enough to hide the way to the relay. */
const AT_ONCE = 8

/** Opens many records under one receipt; one that cannot be opened is left out, what stops all of them is thrown. */
export async function* openEach(ctx: Opening, ids: readonly Uint8Array[]): AsyncGenerator<Opened> {
  const { ring } = ctx.session.state
  const { found, fetch } = await keysFor(ctx, ids)
  const open = ({ item, dek }: (typeof found)[number]): Promise<Opened | null> =>
    unpack({ id: item.id, subject: ring.did, dek, cid: payloadCid(item), fetch }).catch(e => {
      if (isKeepwellError(e) && !STOPS.has(e.code)) return null
      throw e
    })
  async function* items() {
    yield* found
  }
  for await (const opened of mapAhead(items(), AT_ONCE, open)) if (opened) yield opened
}
const STOPS = new Set<ErrorCode>(['RELAY_UNREACHABLE', 'RATE_LIMITED', 'STOPPING', 'LOCKED', 'CANCELLED'])

/** Opens one record of the own vault for reading by ranges: bounded memory at any size. */
export async function openRecordStream(ctx: Opening, entry: Pick<Entry, 'id'>) {
  const { ring } = ctx.session.state
  const { found, fetch } = await keysFor(ctx, [entry.id])
  const [one] = found
  ensure(one, 'NOT_FOUND', 'The record is not at the relay.')
  return openRanges({ id: one.item.id, subject: ring.did, dek: one.dek, cid: payloadCid(one.item), fetch })
}

/** Opens many records for reading by ranges under one receipt; one that cannot be opened is left out. */
export async function* openHeads(ctx: Opening, ids: readonly Uint8Array[]) {
  const { ring } = ctx.session.state
  const { found, fetch } = await keysFor(ctx, ids)
  for (const { item, dek } of found) {
    const ranges = await openRanges({ id: item.id, subject: ring.did, dek, cid: payloadCid(item), fetch }).catch(e => {
      if (isKeepwellError(e) && !STOPS.has(e.code)) return null
      throw e
    })
    if (ranges) yield ranges
  }
}

/** Envelopes of the own vault, opened as far as keys and cards: what re-sealing needs. */
export const openKeys = async (ctx: Opening, ids: readonly Uint8Array[]) => (await keysFor(ctx, ids)).found
