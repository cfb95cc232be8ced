import type { Ctx } from '#actions/context'
import { concat } from '#base/bytes'
import { type ErrorCode, ensure, isKeepwellError } from '#base/error'
import type { Draft } from '#records/pack'
import { draftOf, openWaiting, openWaitingBody, sealWaiting, type Waiting, type WholeDraft } from '#records/waiting'
import { fileRecords } from './file-records.ts'

type Holding = Pick<Ctx, 'clock' | 'random' | 'session' | 'outbox'>
type Sending = Holding & Pick<Ctx, 'network' | 'catalog' | 'copies'>

/** Larger ones need a relay at once: they would be held in memory. */
const MAX_WAITING = 64 << 20
const BODY = 'body'
const AT_ONCE = { count: 256, bytes: 8 << 20 }

/** Whether records may wait on this device for a relay. */
export const mayWait = (ctx: Pick<Ctx, 'outbox'>, error: unknown): boolean =>
  Boolean(ctx.outbox) && isKeepwellError(error, 'RELAY_UNREACHABLE')

/** Seals a draft on this device until a relay can be reached. Durable when it resolves. Throws TOO_LARGE, STORAGE_FULL. */
export async function hold(ctx: Holding, draft: Draft): Promise<void> {
  const { ring } = ctx.session.state
  const body = await wholeBody(draft)
  const made = await sealWaiting(ring.catalog, ring.did, { ...draft, body }, ctx.random)
  await ctx.outbox?.put({ id: draft.id, sealed: made.sealed, at: ctx.clock() }, [{ name: BODY, bytes: made.body }])
}

async function wholeBody({ body }: Draft): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body
  ensure(body.size <= MAX_WAITING, 'TOO_LARGE', 'It is too large to wait on this device; add it again when the relay answers.')
  const parts: Uint8Array[] = []
  for await (const chunk of body.chunks()) parts.push(chunk.slice())
  return concat(...parts)
}

export type Held = { readonly id: Uint8Array; readonly waiting: Waiting }

/** What waits on this device, oldest first. A row that does not open under this vault's key is passed over. */
export async function heldRecords(ctx: Pick<Ctx, 'session' | 'outbox'>): Promise<Held[]> {
  const out: Held[] = []
  for (const { id, sealed } of (await ctx.outbox?.all()) ?? []) {
    const opened = await openWaiting(ctx.session.state.ring.catalog, id, sealed).catch(() => null)
    if (opened) out.push({ id, waiting: opened })
  }
  return out
}

/** The body of one that waits; null when it does not wait any more. */
export async function heldBody(ctx: Pick<Ctx, 'outbox'>, { id, waiting }: Held): Promise<Uint8Array | null> {
  const sealed = await ctx.outbox?.part(id, BODY)
  return sealed ? openWaitingBody(id, waiting, sealed) : null
}

export type Sent = { readonly sent: number; readonly left: number }

/** What would befall the next as well. */
const STOPS = new Set<ErrorCode>([
  'RELAY_UNREACHABLE',
  'RATE_LIMITED',
  'STOPPING',
  'STORAGE_FULL',
  'STORAGE_FAILED',
  'CLOCK_SKEW',
  'LOCKED',
])

/**
 * Files what waits, each exactly once: its id was chosen when it was added, so an attempt whose answer was lost is found at the relay. One
 * that the relay refuses stays here and does not hold up the others. Throws what stops all of them.
 */
export async function sendHeld(ctx: Sending): Promise<Sent> {
  let sent = 0
  let left = 0
  const send = async (drafts: readonly WholeDraft[]): Promise<void> => {
    try {
      await fileRecords(ctx, drafts)
      await ctx.outbox?.drop(drafts.map(d => d.id))
      sent += drafts.length
    } catch (e) {
      if (!isKeepwellError(e) || STOPS.has(e.code)) throw e
      if (drafts.length === 1) left++
      else for (const d of drafts) await send([d])
    }
  }
  for (const batch of batchesOf(await heldRecords(ctx))) {
    const drafts: WholeDraft[] = []
    for (const held of batch) {
      const body = await heldBody(ctx, held)
      if (body) drafts.push(draftOf(held.id, held.waiting, body))
    }
    await send(drafts)
  }
  return { sent, left }
}

function* batchesOf(held: readonly Held[]): Generator<Held[]> {
  let batch: Held[] = []
  let bytes = 0
  for (const h of held) {
    batch.push(h)
    bytes += h.waiting.card.size
    if (batch.length < AT_ONCE.count && bytes < AT_ONCE.bytes) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length) yield batch
}
