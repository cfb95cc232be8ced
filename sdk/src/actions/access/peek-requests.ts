import type { Ctx } from '#actions/context'
import { callRelay, homeRelay } from '#actions/vault/calls'
import { withInbox } from '#actions/vault/inboxes'
import { waitingMessages } from '#actions/vault/waiting-messages'
import { isKeepwellError } from '#base/error'
import type { Asker } from '#consent/rule'
import { openMessage } from '#identity/message-open'
import type { AccessRequestMessage } from '#wire/messages'
import { takeOne } from './receive-messages.ts'

type Peeking = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** A request that waits in the mailbox, and what it was found to be worth. */
export type WaitingRequest = Asker & {
  readonly request: AccessRequestMessage
  readonly id: Uint8Array
  readonly name: string
  readonly relays: readonly string[]
}

/**
 * The requests for access among the messages of the mailbox. Nothing is taken out, and no other message has an effect: they wait for
 * the person. What does not open, or comes from nobody known, is passed over.
 */
export async function peekRequests(ctx: Peeking): Promise<WaitingRequest[]> {
  const known = (who: string): boolean => ctx.session.state.ring.contacts.some(c => c.did === who && c.verified)
  const out: WaitingRequest[] = []
  const relay = await homeRelay(ctx)
  for await (const { id, message } of waitingMessages(from => callRelay(ctx, relay, 'take-messages', { done: [], ...from }))) {
    if (message.kind !== 'request') continue
    try {
      const a = await takeOne(ctx, await withInbox(ctx.session.state.ring, secret => openMessage(message, secret)))
      if (a.kind !== 'request') continue
      const role = a.vouched === 'live' && a.request.credential ? a.request.credential.role : null
      out.push({ id, did: a.did, name: a.name, relays: a.relays, verified: known(a.did), role, request: a.request })
    } catch (e) {
      if (!isKeepwellError(e) || isKeepwellError(e, 'RELAY_UNREACHABLE')) throw e
    }
  }
  return out
}
