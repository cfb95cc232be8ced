import type { Ctx } from '#actions/context'
import { partyAt } from '#actions/vault/calls'
import { type ReceiptMessage, readReceipt, receiptLeaf } from '#audit/receipt'
import { ensure } from '#base/error'
import { verifyProof } from '#identity/call'
import type { Evidence } from './ask.ts'
import { checkInclusion, describesCall, relayParty } from './check-receipt.ts'

/**
 * What an auditor does with a receipt that somebody shows: it is the relay's, it lies in the relay's signed log, it says what its own request
 * asked, and the reader signed that request. Gives what it says. Throws BAD_SIGNATURE, BAD_PROOF, UNKNOWN_PARTY.
 */
export async function checkEvidence(
  ctx: Pick<Ctx, 'network' | 'session'>,
  relayUrl: string,
  { receipt, inclusion }: Evidence,
): Promise<ReceiptMessage> {
  const relay = await ctx.network.relay(relayUrl)
  const party = await relayParty(ctx, relay)
  await checkInclusion(party, receiptLeaf(receipt.signed), { signed: receipt.signed, ...inclusion })
  const message = readReceipt(receipt.signed)
  ensure(describesCall(message, receipt.call), 'BAD_SIGNATURE', 'The receipt says something else than the request it stands for.')
  const reader = await partyAt(ctx, message.actor, receipt.call.version, [relayUrl])
  ensure(reader, 'UNKNOWN_PARTY', 'The keys of the reader are not to be had; its signature was not checked.')
  verifyProof(receipt.call, reader.request)
  return message
}
