import type { Ctx } from '#actions/context'
import { findParty } from '#actions/vault/calls'
import { KeepwellError } from '#base/error'
import type { Did } from '#identity/did'
import type { AgentWord } from '#wire/messages'
import { post } from './post.ts'

const MAX_TEXT = 500

/** A sentence to a party, sealed like any message: an answer to a request that was declined. Throws UNKNOWN_PARTY. */
export async function sendNotice(
  ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>,
  input: { readonly to: Did; readonly text: string; readonly relays?: readonly string[]; readonly said?: AgentWord },
): Promise<void> {
  const party = await findParty(ctx, input.to, input.relays ?? [])
  if (!party) throw new KeepwellError('UNKNOWN_PARTY', 'Nobody of that DID is known here.')
  await post(
    ctx,
    party,
    'notice',
    { text: input.text.slice(0, MAX_TEXT), ...(input.said ? { said: input.said } : {}) },
    { introduce: true },
  )
}
