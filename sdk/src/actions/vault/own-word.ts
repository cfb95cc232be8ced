import type { Ctx } from '#actions/context'
import { ensure, isKeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import type { SigningPublic } from '#crypto/sign'
import type { Did } from '#identity/did'
import { type Signed, signed } from '#identity/signed'
import { partyAt } from './calls.ts'

/**
 * What this vault signed itself and keeps in its keyring, checked anew under the keys of that time; null for what counts for nothing: signed by
 * another, altered, or refused by `read`. Throws RELAY_UNREACHABLE, for what cannot be looked up now is not for that reason false.
 */
export async function ownWord<T extends { readonly vault: Did }>(
  ctx: Pick<Ctx, 'network' | 'session'>,
  encoded: Uint8Array,
  read: (thing: Signed, keys: SigningPublic) => Promise<T>,
): Promise<T | null> {
  const { ring } = ctx.session.state
  try {
    const thing = decodeAs(signed, encoded)
    const party = thing.signer === ring.did ? await partyAt(ctx, ring.did, thing.version) : null
    ensure(party, 'BAD_SIGNATURE', 'This is not signed by this vault.')
    const word = await read(thing, party.keys)
    ensure(word.vault === ring.did, 'WRONG_SUBJECT', 'This is signed about another vault.')
    return word
  } catch (e) {
    if (!isKeepwellError(e) || isKeepwellError(e, 'RELAY_UNREACHABLE')) throw e
    return null
  }
}
