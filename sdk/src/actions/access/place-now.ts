import type { Ctx } from '#actions/context'
import { forLedger } from '#audit/evidence'
import { readLogHead } from '#audit/head'
import { type ErrorCode, ensure, KeepwellError } from '#base/error'
import type { Evidence } from './ask.ts'
import { type Anchored, continued, writtenBy } from './check-log.ts'
import { checkLogHead, relayParty } from './check-receipt.ts'
import { compareHeads } from './compare-heads.ts'

/** Where a receipt lies in its relay's log (from 0), how long that was, how long it is now, and what the ledger holds of it. */
export type PlaceNow = {
  readonly index: number
  readonly size: number
  readonly sizeNow: number
  /** Null when nothing of the log is on the ledger; `covers` says whether the receipt lies within. */
  readonly anchored: (Anchored & { readonly covers: boolean }) | null
}

/**
 * Asks the relay for its log as it is now, and the ledger for what it holds, whether the head under which a receipt was given is the beginning of both.
 * Throws FORKED, BAD_PROOF, BAD_SIGNATURE when not.
 */
export async function placeNow(ctx: Pick<Ctx, 'network'>, url: string, { inclusion }: Pick<Evidence, 'inclusion'>): Promise<PlaceNow> {
  const relay = await ctx.network.relay(url)
  const party = await relayParty(ctx, relay)
  // The ledger first: a busy relay may grow and anchor between two questions.
  const ledger = await ctx.network.ledger(url)
  const latest = await ledger.trail.latest(party.request)
  const head = await relay.head()
  const now = await checkLogHead(party, head)
  const broken = await continued(relay, inclusion.head, head)
  if (broken) throw new KeepwellError(broken.code as ErrorCode, broken.message)
  ensure(!latest?.forked, 'FORKED', 'The ledger holds proof that this relay showed two histories.')
  const place = { index: inclusion.index, size: readLogHead(inclusion.head.signed).size, sizeNow: now.size }
  if (!latest?.size) return { ...place, anchored: null }
  const { size, time, root } = latest
  const shown = forLedger(head)
  const same = size <= now.size && (await compareHeads(relay, { ...shown, head: { ...shown.head, size, time, root } }, shown)).consistent
  ensure(same, 'FORKED', 'The relay’s log is not the one it anchored on the ledger.')
  const written = await writtenBy(ledger, party.request, { size, time, root })
  return { ...place, anchored: { size, time, root, written, covers: inclusion.index < size } }
}
