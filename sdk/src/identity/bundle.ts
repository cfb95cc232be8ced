import { toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { rawCid } from '#base/cid'
import { ensure, KeepwellError } from '#base/error'
import { bytes, decodeAs, dictionary, type Infer, int, list, nullable, object, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { recoverTypedData, signTypedData } from '#crypto/secp'
import type { SigningPublic } from '#crypto/sign'
import { address, type Did, did, parseDid } from './did.ts'
import { peek, type Signed, signed, signedHash, verifySigned } from './signed.ts'

/** Public keys and doors of a party (protocol §2). `prev` is the hash of the bundle before, null for the first. */
export const bundleMessage = object({
  v: int(1, 1),
  did,
  version: int(1, 0xffffffff),
  prev: nullable(bytes(32)),
  ed25519: bytes(32),
  mldsa65: bytes(1952),
  inbox: bytes(1216),
  request: address,
  relays: list(string(300, /^https?:\/\//), 8),
  manifest: dictionary(address, 32),
  issuedAt: int(),
})
export type BundleMessage = Infer<typeof bundleMessage>

/** A bundle as it travels: signed by its own pair, and by the controller in force over its hash. */
export const bundle = object({ signed, controller: string(132, /^0x[0-9a-f]{130}$/) })
export type Bundle = Infer<typeof bundle>

/** A bundle whose signatures were checked. */
export type Party = BundleMessage & { readonly keys: SigningPublic; readonly hash: Uint8Array }

/** ERC-1056 attribute that announces the bundle's CID: a DID document service for stock resolvers. */
export const BUNDLE_ATTRIBUTE = 'did/svc/KeepwellBundle'
export const bundleCid = (b: Bundle): string => rawCid(sha256(encode(b)))
export const bundleEndpoint = (b: Bundle): string => `ipfs://${bundleCid(b)}`

const typedData = (owner: Did, hash: Uint8Array) => ({
  domain: { name: 'Keepwell', version: '1', chainId: parseDid(owner).chainId },
  types: {
    KeyBundle: [
      { name: 'did', type: 'string' },
      { name: 'hash', type: 'bytes32' },
    ],
  },
  primaryType: 'KeyBundle',
  message: { did: owner, hash: `0x${toHex(hash)}` },
})

/** The controller's half of a bundle. */
export const endorseBundle = (controllerSecret: Uint8Array, thing: Signed): Bundle => ({
  signed: thing,
  controller: signTypedData(controllerSecret, typedData(thing.signer, signedHash(thing))),
})

/**
 * Checks a bundle: both signatures of its own pair and the controller's endorsement. `controller` is the address in force on
 * the DID's ledger; for a DID of another home it is the DID's own address. Throws BAD_SIGNATURE.
 */
export async function verifyBundle(b: Bundle, controller: string): Promise<Party> {
  const claim = peek(b.signed, bundleMessage)
  const keys: SigningPublic = { ed25519: claim.ed25519, mldsa65: claim.mldsa65 }
  const message = await verifySigned(b.signed, 'bundle', bundleMessage, keys)
  ensure(message.did === b.signed.signer && message.version === b.signed.version, 'BAD_SIGNATURE', 'The key bundle names another signer.')
  const hash = signedHash(b.signed)
  if (recoverTypedData(typedData(message.did, hash), b.controller) !== controller)
    throw new KeepwellError('BAD_SIGNATURE', `The key bundle of ${message.did} is not endorsed by its controller.`)
  return { ...message, keys, hash }
}

export const encodeBundle = (b: Bundle): Uint8Array => encode(b)
export const decodeBundle = (encoded: Uint8Array): Bundle => decodeAs(bundle, encoded)

/** What two people compare aloud: 8 groups of 4 hex digits over the bundle's signing and inbox keys. */
export const fingerprint = (p: BundleMessage): string =>
  toHex(sha256(p.ed25519, p.mldsa65, p.inbox))
    .slice(0, 32)
    .replace(/(.{4})(?=.)/g, '$1 ')
