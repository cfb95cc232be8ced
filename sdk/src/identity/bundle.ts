import { equal, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { rawCid } from '#base/cid'
import { ensure } from '#base/error'
import { bytes, decodeAs, dictionary, type Infer, int, list, nullable, object, optional, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { recoverTypedData, signTypedData } from '#crypto/secp'
import type { SigningPublic } from '#crypto/sign'
import { address, type Did, did, parseDid } from './did.ts'
import { type HandOver, handOver, MAX_HAND_OVERS, readHandOvers, type Standing, seatedNow } from './hand-over.ts'
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

/**
 * A bundle as it travels: signed by its own pair, and by the controller in force over its hash. `handed` says how that controller came to have
 * the word, for whoever cannot ask the ledger; absent while it is the DID's own address, or where a change was made before there was a proof.
 */
export const bundle = object({
  signed,
  controller: string(132, /^0x[0-9a-f]{130}$/),
  handed: optional(list(handOver, MAX_HAND_OVERS)),
})
export type Bundle = Infer<typeof bundle>

/** A bundle whose signatures were checked. */
export type Party = BundleMessage & {
  readonly keys: SigningPublic
  readonly hash: Uint8Array
  /** Whose ledger has the last word on the keys, where the whole bundle was there to say it. */
  readonly seat?: Did
}

/** ERC-1056 attribute that announces the bundle's CID: a DID document service for stock resolvers. */
export const BUNDLE_ATTRIBUTE = 'did/svc/KeepwellBundle'
export const bundleCid = (b: Bundle): string => rawCid(sha256(encode(b)))
export const bundleEndpoint = (b: Bundle): string => `ipfs://${bundleCid(b)}`

/** What the controller signs covers the way it came to the word as well, so that nobody puts another in its place. */
const typedData = (owner: Did, hash: Uint8Array, tip: Uint8Array | undefined) => ({
  domain: { name: 'Keepwell', version: '1', chainId: parseDid(owner).chainId },
  types: {
    KeyBundle: [{ name: 'did', type: 'string' }, { name: 'hash', type: 'bytes32' }, ...(tip ? [{ name: 'handed', type: 'bytes32' }] : [])],
  },
  primaryType: 'KeyBundle',
  message: { did: owner, hash: `0x${toHex(hash)}`, ...(tip ? { handed: `0x${toHex(tip)}` } : {}) },
})

/** The controller's half of a bundle. `handed` leads from the DID's own address to this controller. */
export function endorseBundle(controllerSecret: Uint8Array, thing: Signed, handed?: readonly HandOver[]): Bundle {
  const tip = handed && readHandOvers(thing.signer, handed).hashes.at(-1)
  const controller = signTypedData(controllerSecret, typedData(thing.signer, signedHash(thing), tip))
  return { signed: thing, controller, ...(tip ? { handed: [...handed] } : {}) }
}

const standings = new WeakMap<Bundle, Standing>()

/** What a bundle says of its own controller, step by step; checked once. Throws BAD_SIGNATURE. */
export function standingOf(b: Bundle): Standing {
  const known = standings.get(b) ?? readHandOvers(b.signed.signer, b.handed ?? [])
  standings.set(b, known)
  return known
}

/** Who endorsed a bundle: an address, which says nothing until it is known who may. */
export const endorserOf = (b: Bundle): string =>
  recoverTypedData(typedData(b.signed.signer, signedHash(b.signed), standingOf(b).hashes.at(-1)), b.controller)

/**
 * Checks a bundle: both signatures of its own pair, the controller's endorsement, and that the changes it tells of lead to that controller.
 * `controller` is the address in force on the ledger of its seat, or where that cannot be asked the one its changes lead to. Throws
 * BAD_SIGNATURE.
 */
export async function verifyBundle(b: Bundle, controller: string): Promise<Party> {
  const claim = peek(b.signed, bundleMessage)
  const keys: SigningPublic = { ed25519: claim.ed25519, mldsa65: claim.mldsa65 }
  const message = await verifySigned(b.signed, 'bundle', bundleMessage, keys)
  ensure(message.did === b.signed.signer && message.version === b.signed.version, 'BAD_SIGNATURE', 'The key bundle names another signer.')
  const led = !b.handed || standingOf(b).controllers.at(-1) === controller
  ensure(
    led && endorserOf(b) === controller,
    'BAD_SIGNATURE',
    `The key bundle of ${message.did} is not endorsed by its controller; its keys may have been replaced since.`,
  )
  return { ...message, keys, hash: signedHash(b.signed), seat: seatedNow(standingOf(b)).seat }
}

/**
 * Refuses a bundle that does not come after one that was seen before, as far as the keys' own word goes: for whoever cannot ask the ledger of
 * its seat. Throws BUNDLE_ROLLBACK for keys that were left, KEYS_FORKED when two lines of keys begin at the same one: then nobody but people
 * who meet can tell whose is the owner's.
 */
export function mustFollow(before: Bundle, now: Bundle): void {
  const [was, is] = [standingOf(before), standingOf(now)]
  const same = was.hashes.every((h, i) => i >= is.hashes.length || equal(h, is.hashes[i]!))
  ensure(same, 'KEYS_FORKED', `Two lines of keys claim to be ${now.signed.signer}. Ask its owner in person, and compare fingerprints.`)
  // Where an older one carries no proof, its endorser still has to be among those who had the word.
  const kept = is.hashes.length >= was.hashes.length && is.controllers.includes(endorserOf(before))
  ensure(kept, 'BUNDLE_ROLLBACK', `The key bundle of ${now.signed.signer} is by a key that was replaced; newer ones are known here.`)
}

export const encodeBundle = (b: Bundle): Uint8Array => encode(b)
export const decodeBundle = (encoded: Uint8Array): Bundle => decodeAs(bundle, encoded)

/** What two people compare aloud: 8 groups of 4 hex digits over the bundle's signing and inbox keys. */
export const fingerprint = (p: BundleMessage): string =>
  toHex(sha256(p.ed25519, p.mldsa65, p.inbox))
    .slice(0, 32)
    .replace(/(.{4})(?=.)/g, '$1 ')
