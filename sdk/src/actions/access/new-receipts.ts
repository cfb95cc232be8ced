import type { Ctx } from '#actions/context'
import { callRelay, homeRelay } from '#actions/vault/calls'
import { NO_RECEIPT, type ReceiptMessage, readReceipt } from '#audit/receipt'
import { ensure, isKeepwellError } from '#base/error'
import { relayParty } from './check-receipt.ts'
import { openReceipt } from './verify-trail.ts'

type Auditing = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

/** Up to which receipt a device has looked, and that receipt's hash. */
export type Seen = { readonly seq: number; readonly hash: Uint8Array }
export const NOTHING_SEEN: Seen = { seq: 0, hash: NO_RECEIPT }

const PAGE = 256

/**
 * What was opened since, to be told at once: each receipt opens, follows the one before it and says what its request asked. Whether the log
 * holds them, and all of them, is `verifyTrail`'s to say.
 */
export async function newReceipts(ctx: Auditing, since: Seen): Promise<{ readonly receipts: ReceiptMessage[]; readonly seen: Seen }> {
  const relay = await homeRelay(ctx)
  const party = await relayParty(ctx, relay)
  const receipts: ReceiptMessage[] = []
  let seen = since
  for (;;) {
    const { receipts: page } = await callRelay(ctx, relay, 'receipts', { after: seen.seq, limit: PAGE })
    for (const { sealed } of page) {
      ensure(sealed.seq > seen.seq, 'OMISSION', 'The relay’s list of receipts goes in circles.')
      try {
        const before = sealed.seq === seen.seq + 1 ? seen.hash : new Uint8Array(0)
        const { signed } = await openReceipt(ctx, party, sealed, before)
        receipts.push(readReceipt(signed))
      } catch (e) {
        // One that does not hold is the trail's to report, not a reason to be silent about the others.
        if (!isKeepwellError(e)) throw e
      }
      seen = { seq: sealed.seq, hash: sealed.hash }
    }
    if (page.length === 0) return { receipts, seen }
  }
}
