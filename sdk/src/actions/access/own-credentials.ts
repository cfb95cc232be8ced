import type { Ctx } from '#actions/context'
import { changeRing } from '#actions/vault/change-ring'
import { toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure } from '#base/error'
import { decodeAs } from '#base/shape'
import { type Credential, credential } from '#identity/credential'
import { checkCredential } from './check-credential.ts'

const MARK = 'credential/'

/** The credentials this party keeps, the one that lasts longest first. */
export const ownCredentials = ({ session }: Pick<Ctx, 'session'>): Credential[] =>
  Object.entries(session.state.ring.marks)
    .flatMap(([name, value]) => (name.startsWith(MARK) ? [decodeAs(credential, value)] : []))
    .sort((a, b) => b.expiry - a.expiry)

/** The one to show: it has not run out. What it is worth is the ledger's to say. */
export const credentialToShow = (ctx: Pick<Ctx, 'session' | 'clock'>): Credential | undefined =>
  ownCredentials(ctx).find(c => c.expiry > ctx.clock())

/** Keeps a credential with the keyring, so that it is shown with requests. Throws DENIED unless it is live and about this party. */
export async function keepCredential(ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>, given: Credential): Promise<void> {
  const state = await checkCredential(ctx, given, ctx.session.state.ring.did)
  ensure(
    state === 'live',
    'DENIED',
    state === 'ended' ? 'The credential has ended.' : 'No issuer of this ledger vouches so for this identity.',
  )
  await changeRing(ctx, r => ({ ...r, marks: { ...r.marks, [MARK + toHex(given.id)]: encode(given) } }))
}
