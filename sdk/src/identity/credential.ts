import { concat, fromBase64Url, toBase64Url, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { KeepwellError } from '#base/error'
import { bytes, decodeAs, type Infer, int, object, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { address, did } from './did.ts'

/**
 * What an accredited issuer says of a holder, as the holder keeps and shows it. On the ledger stands only `SHA-256(salt ‖ DID)` under `id`
 * (CredentialRegistry); the salt is made of a nonce and the name, so that the issuer vouches for the name as well (protocol §5).
 */
export const credential = object({
  v: int(1, 1),
  id: bytes(32),
  nonce: bytes(32),
  holder: did,
  name: string(200),
  issuer: address,
  /** A code of the issuer's published table, such as HOSPITAL or MD. */
  role: string(8),
  expiry: int(),
  chainId: int(1),
})
export type Credential = Infer<typeof credential>

/** What the ledger keeps of the holder: nobody without the credential can tell, or guess, whose it is. */
export function holderCommitment({ nonce, name, holder }: Pick<Credential, 'nonce' | 'name' | 'holder'>): Uint8Array {
  const salt = sha256(encode(['kw1/credential', nonce, name]))
  return sha256(concat(salt, utf8(holder)))
}

const PREFIX = 'keepwell:credential#'

/** A credential as a line of text, for the holder alone. */
export const credentialText = (c: Credential): string => PREFIX + toBase64Url(encode(c))

/** Throws BAD_INPUT when it is no credential. */
export function readCredential(text: string): Credential {
  const trimmed = text.trim()
  if (!trimmed.startsWith(PREFIX)) throw new KeepwellError('BAD_INPUT', `A credential begins with ${PREFIX}.`)
  try {
    return decodeAs(credential, fromBase64Url(trimmed.slice(PREFIX.length)))
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The credential is damaged; ask for it again.', { cause })
  }
}
