import { checkInclusion, describesCall, relayParty } from '#actions/access/check-receipt'
import type { Ctx } from '#actions/context'
import { makeCall, ownBundle } from '#actions/vault/calls'
import { readReceipt, receiptLeaf } from '#audit/receipt'
import { equal } from '#base/bytes'
import { type Cid, parseCid } from '#base/cid'
import { ensure, isKeepwellError, KeepwellError } from '#base/error'
import { REASONS, type Reason } from '#consent/decide'
import { sha256Async } from '#crypto/hash'
import { callHash, proofOf } from '#identity/call'
import type { Relay } from '#ports/relay'
import type { Fetch } from '#records/unpack'
import type { Answer, Body } from '#wire/methods'

type Asking = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** The relay's word for one access, checked: a receipt that both signed, and where it lies in the relay's log. */
export type Evidence = Pick<Answer<'access'>, 'receipt' | 'inclusion'>
export type Receipted = (evidence: Evidence) => void

/**
 * One access, receipt first: whatever the relay returned is looked at only after its receipt names this very request and is
 * proven to be in its signed log. `receipted` is told of refusals too. Throws NO_RECEIPT, or DENIED with the reasons.
 */
export async function ask(ctx: Asking, relay: Relay, body: Body<'access'>, receipted: Receipted = () => {}): Promise<Answer<'access'>> {
  const { call, answer } = await send(ctx, relay, body)
  const info = await relayParty(ctx, relay)
  const receipt = readReceipt(answer.receipt.signed)
  const names =
    receipt.vault === body.vault &&
    receipt.relay === info.did &&
    equal(receipt.request, callHash(proofOf(call, { body: false }))) &&
    describesCall(receipt, answer.receipt.call) &&
    receipt.verdict === answer.verdict
  ensure(names, 'NO_RECEIPT', 'The relay returned a receipt for something else; nothing was opened.')
  await checkInclusion(info, receiptLeaf(answer.receipt.signed), { signed: answer.receipt.signed, ...answer.inclusion })
  receipted({ receipt: answer.receipt, inclusion: answer.inclusion })
  if (answer.verdict === 'denied') {
    const reasons = answer.reasons.map(r => REASONS[r as Reason] ?? r)
    throw new KeepwellError('DENIED', `The relay refused: ${reasons.join(' ')}`, { cause: answer.reasons })
  }
  return answer
}

/** Why a relay refused an access, where that is what went wrong. */
export const reasonsOf = (e: unknown): readonly string[] =>
  isKeepwellError(e, 'DENIED') && Array.isArray(e.cause) ? e.cause.filter(r => typeof r === 'string') : []

/** Asks a relay; one that does not know us yet (a consent came by a proxy, or from another home) is given our bundle first. */
async function send(ctx: Asking, relay: Relay, body: Body<'access'>) {
  const once = async () => {
    const call = await makeCall(ctx, relay, 'access', body)
    return { call, answer: await relay.call('access', call) }
  }
  try {
    return await once()
  } catch (e) {
    if (!isKeepwellError(e, 'UNKNOWN_PARTY')) throw e
    await relay.call('enroll', await makeCall(ctx, relay, 'enroll', { bundle: ownBundle(ctx.session.state.ring) }))
    return once()
  }
}

/** Blocks through the capability an access gave; each is checked against its address here, whatever the relay did. */
export function fetcher(relay: Relay, capability: Uint8Array): Fetch {
  return async function* (cids: readonly Cid[]) {
    for await (const block of relay.getBlocks(capability, cids)) {
      ensure(equal(await sha256Async(block.bytes), parseCid(block.cid).digest), 'BAD_CID', 'A block does not hash to its address.')
      yield block
    }
  }
}
