import type { Ctx } from '#actions/context'
import { ensure } from '#base/error'
import { type Credential, holderCommitment } from '#identity/credential'
import type { Did } from '#identity/did'
import type { Address, Ledger } from '#ports/ledger'

export type Issuing = {
  readonly holder: Did
  readonly name: string
  readonly role: string
  readonly expiry: number
  readonly responder?: Address
}

/**
 * Vouches for a party on the ledger, as an accredited issuer (the ledger's own account). The result goes to the holder alone: with it, and
 * with nothing else, the entry on the ledger can be tied to them. `responder` is whose signature may ask for emergency access under it, the
 * holder's request key. Throws LEDGER_REFUSED when this account is no issuer.
 */
export async function issueCredential(
  {
    random,
    clock,
    ledger,
  }: Pick<Ctx, 'random' | 'clock'> & { readonly ledger: Pick<Ledger, 'credentials' | 'emergencies' | 'account' | 'chainId'> },
  { holder, name, role, expiry, responder }: Issuing,
): Promise<Credential> {
  ensure(name.trim(), 'BAD_INPUT', 'A credential says whom it is for.')
  ensure(expiry > clock(), 'BAD_INPUT', 'A credential ends in the future.')
  const made: Credential = {
    v: 1,
    id: random(32),
    nonce: random(32),
    holder,
    name: name.trim(),
    issuer: ledger.account,
    role,
    expiry,
    chainId: ledger.chainId,
  }
  await ledger.credentials.issue({ id: made.id, holderCommitment: holderCommitment(made), role, expiry })
  if (responder) await ledger.emergencies.enrol(made.id, responder)
  return made
}
