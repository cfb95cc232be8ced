import { concat, toHex } from '#base/bytes'
import { ensure } from '#base/error'
import { native } from '#crypto/native/platform'
import { sha256 } from './hash.ts'
import type { Signer, Verifier } from './native/native.ts'

/** Seeds of RFC 8032 and FIPS 204, 32 bytes each. */
export type SigningSecret = { readonly ed25519: Uint8Array; readonly mldsa65: Uint8Array }
/** 32 and 1,952 bytes. */
export type SigningPublic = { readonly ed25519: Uint8Array; readonly mldsa65: Uint8Array }
/** 64 and 3,309 bytes, over the same message. */
export type DualSignature = { readonly ed25519: Uint8Array; readonly mldsa65: Uint8Array }

type Pair<T> = { readonly ed25519: T; readonly mldsa65: T }

const CACHED_PUBLICS = 256

// Taking in an ML-DSA key costs as much as using it. Secrets are remembered for as long as their owner holds the object, no longer.
const signers = new WeakMap<SigningSecret, Promise<Pair<Signer>>>()
const verifiers = new Map<string, Promise<Pair<Verifier> | null>>()

async function takeInSecret(secret: SigningSecret): Promise<Pair<Signer>> {
  ensure(secret.ed25519.length === 32 && secret.mldsa65.length === 32, 'BAD_INPUT', 'Signing seeds are 32 bytes each.')
  return { ed25519: await native.ed25519Signer(secret.ed25519), mldsa65: await native.mlDsaSigner(secret.mldsa65) }
}

function signersOf(secret: SigningSecret): Promise<Pair<Signer>> {
  let known = signers.get(secret)
  if (known === undefined) {
    known = takeInSecret(secret)
    signers.set(secret, known)
  }
  return known
}

/** Null for keys that are malformed: nothing verifies under them. */
async function takeInPublic(key: SigningPublic): Promise<Pair<Verifier> | null> {
  try {
    return { ed25519: await native.ed25519Verifier(key.ed25519), mldsa65: await native.mlDsaVerifier(key.mldsa65) }
  } catch {
    return null
  }
}

function verifiersOf(key: SigningPublic): Promise<Pair<Verifier> | null> {
  const name = toHex(sha256(concat(key.ed25519, key.mldsa65)))
  const known = verifiers.get(name) ?? takeInPublic(key)
  // Re-inserting keeps the map in order of last use, so the first one is the one to forget.
  verifiers.delete(name)
  verifiers.set(name, known)
  if (verifiers.size > CACHED_PUBLICS) verifiers.delete(verifiers.keys().next().value!)
  return known
}

/** The public halves of a signing pair. Throws BAD_INPUT for seeds of another length. */
export async function signingPublic(secret: SigningSecret): Promise<SigningPublic> {
  const { ed25519, mldsa65 } = await signersOf(secret)
  return { ed25519: ed25519.public, mldsa65: mldsa65.public }
}

/**
 * Ed25519 and ML-DSA-65 (pure, empty context) over the same bytes (protocol §1). Keep passing the same `secret` object: its keys
 * are taken in once. Throws BAD_INPUT.
 */
export async function dualSign(secret: SigningSecret, message: Uint8Array): Promise<DualSignature> {
  const keys = await signersOf(secret)
  return { ed25519: await keys.ed25519.sign(message), mldsa65: await keys.mldsa65.sign(message) }
}

/** True when *both* signatures verify; false for anything malformed, never an exception. */
export async function dualVerify(key: SigningPublic, message: Uint8Array, signature: DualSignature): Promise<boolean> {
  if (key.ed25519.length !== 32 || key.mldsa65.length !== 1952) return false
  if (signature.ed25519.length !== 64 || signature.mldsa65.length !== 3309) return false
  const keys = await verifiersOf(key)
  if (keys === null) return false
  return (await keys.ed25519(message, signature.ed25519)) && (await keys.mldsa65(message, signature.mldsa65))
}
