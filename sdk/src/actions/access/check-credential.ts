import type { Ctx } from '#actions/context'
import { homeRelayUrl } from '#actions/vault/calls'
import { equal } from '#base/bytes'
import { type Credential, holderCommitment } from '#identity/credential'
import type { Did } from '#identity/did'
import type { Ledger } from '#ports/ledger'

/**
 * - `live`: an issuer that is accredited on this vault's own ledger vouches for the holder and its name, now.
 * - `ended`: suspended, revoked or run out, or its issuer is no longer accredited.
 * - `elsewhere`: it stands on another ledger, whose administrator this vault has no reason to trust.
 * - `false`: the ledger has no such credential, or it is about somebody else.
 */
export const CREDENTIAL_STATES = ['live', 'ended', 'elsewhere', 'false'] as const
export type CredentialState = (typeof CREDENTIAL_STATES)[number]

type Checking = Pick<Ctx, 'network' | 'session'>

/** What a credential that `holder` shows is worth, by the ledger of this vault's home. Throws RELAY_UNREACHABLE. */
export const checkCredential = async (ctx: Checking, shown: Credential, holder: Did): Promise<CredentialState> =>
  credentialState(await ctx.network.ledger(homeRelayUrl(ctx.session.state.ring)), shown, holder)

/** The same by a ledger that the caller has a reason to trust. */
export async function credentialState(
  ledger: Pick<Ledger, 'chainId' | 'credentials'>,
  shown: Credential,
  holder: Did,
): Promise<CredentialState> {
  if (shown.chainId !== ledger.chainId) return 'elsewhere'
  const status = await ledger.credentials.status(shown.id)
  const same =
    status &&
    shown.holder === holder &&
    equal(status.holderCommitment, holderCommitment(shown)) &&
    status.issuer === shown.issuer &&
    status.role === shown.role &&
    status.expiry === shown.expiry
  if (!same) return 'false'
  return status.live ? 'live' : 'ended'
}
