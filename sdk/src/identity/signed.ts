import { utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { KeepwellError } from '#base/error'
import { bytes, decodeAs, type Infer, int, object, oneOf, type Shape } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { type DualSignature, dualSign, dualVerify, type SigningPublic, type SigningSecret } from '#crypto/sign'
import { type Did, did } from './did.ts'

/** The closed list of what a party's dual pair may sign: no two kinds of thing can be confused (protocol §1). */
export const SIGNED_TYPES = [
  'batch',
  'terms',
  'bundle',
  'calendar',
  'head',
  'tombstone',
  'receipt',
  'message',
  'acceptance',
  'log-head',
  'rule',
  'limits',
  'extract',
  'retention',
] as const
export type SignedType = (typeof SIGNED_TYPES)[number]

/** Ed25519 and ML-DSA-65 over `CBOR["keepwell/v1", type, signer, version, message]`; `version` is the signer's bundle version. */
export const signed = object({
  type: oneOf(...SIGNED_TYPES),
  signer: did,
  version: int(1, 0xffffffff),
  message: bytes({ max: 4 << 20 }),
  ed25519: bytes(64),
  mldsa65: bytes(3309),
})
export type Signed = Infer<typeof signed>

/** Who signs: a DID, the version of its key bundle in force, and the pair that bundle names. */
export type Signer = { readonly did: Did; readonly version: number; readonly signing: SigningSecret }

const signedBytes = (type: SignedType, signer: Did, version: number, message: Uint8Array): Uint8Array =>
  encode(['keepwell/v1', type, signer, version, message])

/** Signs the deterministic CBOR of `value`. */
export async function sign(signer: Signer, type: SignedType, value: unknown): Promise<Signed> {
  const message = encode(value)
  const signature = await dualSign(signer.signing, signedBytes(type, signer.did, signer.version, message))
  return { type, signer: signer.did, version: signer.version, message, ...signature }
}

/** Opens a signed thing of the expected type; throws BAD_SIGNATURE unless both signatures verify under `keys`. */
export async function verifySigned<T>(thing: Signed, type: SignedType, shape: Shape<T>, keys: SigningPublic): Promise<T> {
  const signature: DualSignature = { ed25519: thing.ed25519, mldsa65: thing.mldsa65 }
  const ok = thing.type === type && (await dualVerify(keys, signedBytes(thing.type, thing.signer, thing.version, thing.message), signature))
  if (!ok) throw new KeepwellError('BAD_SIGNATURE', `The ${type} is not signed by the keys of ${thing.signer}.`)
  return decodeAs(shape, thing.message)
}

/** Reads the message without checking signatures: for display and routing only. */
export const peek = <T>(thing: Signed, shape: Shape<T>): T => decodeAs(shape, thing.message)

/** The address of a signed thing in hash chains: over the message, so that both signatures may be remade. */
export const signedHash = (thing: Signed): Uint8Array => sha256(utf8(`${thing.type}|`), thing.message)
