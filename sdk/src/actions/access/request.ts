import type { Ctx } from '#actions/context'
import { findParty } from '#actions/vault/calls'
import { ensure, KeepwellError } from '#base/error'
import type { Did } from '#identity/did'
import type { AccessRequestMessage } from '#wire/messages'
import { credentialToShow } from './own-credentials.ts'
import { post } from './post.ts'

/** Asks a patient for access: purpose, level, compartments, duration, a sentence in plain words, and who vouches for the asker. */
export async function requestAccess(
  ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>,
  input: Omit<AccessRequestMessage, 'name' | 'credential'> & { readonly from: Did },
): Promise<void> {
  const { from, ...content } = input
  const party = await findParty(ctx, from)
  if (!party) throw new KeepwellError('UNKNOWN_PARTY', 'Nobody of that DID is known here; ask for an invitation link.')
  ensure(content.seconds > 0, 'BAD_INPUT', 'The duration must be positive.')
  const credential = credentialToShow(ctx)
  const message = { ...content, name: ctx.session.state.ring.name, ...(credential ? { credential } : {}) }
  await post(ctx, party, 'request', message, { introduce: true })
}
