import type { Ctx } from '#actions/context'
import { findParty } from '#actions/vault/calls'
import { ensure, KeepwellError } from '#base/error'
import type { Did } from '#identity/did'
import type { AccessRequestMessage } from '#wire/messages'
import { post } from './post.ts'

/** Asks a patient for access: purpose, level, compartments, duration, and a sentence in plain words. */
export async function requestAccess(
  ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>,
  input: Omit<AccessRequestMessage, 'name'> & { readonly from: Did },
): Promise<void> {
  const { from, ...content } = input
  const party = await findParty(ctx, from)
  if (!party) throw new KeepwellError('UNKNOWN_PARTY', 'Nobody of that DID is known here; ask for an invitation link.')
  ensure(content.seconds > 0, 'BAD_INPUT', 'The duration must be positive.')
  await post(ctx, party, 'request', { ...content, name: ctx.session.state.ring.name }, { introduce: true })
}
