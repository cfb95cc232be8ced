import type { Ctx } from '#actions/context'
import { changeRing } from '#actions/vault/change-ring'
import { equal } from '#base/bytes'
import type { Credential } from '#identity/credential'
import type { Did } from '#identity/did'
import { type CredentialState, checkCredential } from './check-credential.ts'

/** The credential that a contact showed last, and what it is worth now; null when none was ever shown. Throws RELAY_UNREACHABLE. */
export async function contactCredential(
  ctx: Pick<Ctx, 'network' | 'session'>,
  did: Did,
): Promise<{ readonly credential: Credential | null; readonly state: CredentialState | null }> {
  const credential = ctx.session.state.ring.contacts.find(c => c.did === did)?.credential
  return credential ? { credential, state: await checkCredential(ctx, credential, did) } : { credential: null, state: null }
}

/** Remembers what a contact showed, if an accredited issuer vouches for them now; it changes nothing about what they may do. */
export async function keepContactCredential(
  ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>,
  { did, credential }: { readonly did: Did; readonly credential: Credential },
): Promise<void> {
  const known = ctx.session.state.ring.contacts.find(c => c.did === did)
  if (!known || (known.credential && equal(known.credential.id, credential.id))) return
  if ((await checkCredential(ctx, credential, did)) !== 'live') return
  await changeRing(ctx, r => ({ ...r, contacts: r.contacts.map(c => (c.did === did ? { ...c, credential } : c)) }))
}
