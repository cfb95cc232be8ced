import type { RandomBytes } from '#base/bytes'

/** Node answers at once, WebCrypto later; both satisfy the same callers. */
export type Awaitable<T> = T | Promise<T>

export type HashStream = {
  update(data: Uint8Array): void
  /** The digest of all data so far; the stream is used up. */
  digest(): Uint8Array
}

export type GcmInput = { readonly nonce: Uint8Array; readonly aad: Uint8Array; readonly data: Uint8Array }

/** AES-256-GCM under one key, 12-byte nonces, 16-byte tags after the ciphertext. */
export type GcmKey = {
  /** Writes ciphertext and tag (`data.length + 16` bytes) to the start of `out`. */
  seal(input: GcmInput, out: Uint8Array): Awaitable<void>
  /** `data` is ciphertext and tag; null when the tag does not verify. */
  open(input: GcmInput): Awaitable<Uint8Array | null>
}

/** A signing key taken in once, because taking in an ML-DSA key costs more than verifying with it. */
export type Signer = { readonly public: Uint8Array; sign(message: Uint8Array): Awaitable<Uint8Array> }
export type Verifier = (message: Uint8Array, signature: Uint8Array) => Awaitable<boolean>

export type Argon2Input = {
  readonly password: Uint8Array
  readonly salt: Uint8Array
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/**
 * secp256k1 (SEC 2), at once on every platform. Each function throws where bytes have another length or are out of range, so for a key that
 * is zero or not below the order, and for r or s that is zero or not below it.
 */
export type Secp = {
  /** The public point, x ‖ y: 64 bytes. */
  secpPublic(secret: Uint8Array): Uint8Array
  /** r ‖ s ‖ recovery id, 65 bytes, over a digest of 32: the nonce of RFC 6979, s in the lower half. */
  secpSign(secret: Uint8Array, digest: Uint8Array): Uint8Array
  /** The public point behind r ‖ s, as `secpPublic` gives it; s may be in either half. Throws where there is none. */
  secpRecover(digest: Uint8Array, signature: Uint8Array, recovery: 0 | 1): Uint8Array
}

/**
 * The primitives of suite kw1 as one platform gives them. Three implementations, byte-equal: `node.ts` (node:crypto, libsecp256k1),
 * `web.ts` (WebCrypto, noble where the browser lacks something), `noble.ts` (JavaScript; AES-GCM from WebCrypto).
 * Keys and seeds are raw bytes. A malformed key throws; the callers turn that into a KeepwellError.
 */
export type Native = {
  readonly name: 'node' | 'web' | 'noble'
  sha256(parts: readonly Uint8Array[]): Uint8Array
  sha256Stream(): HashStream
  /** The same digest as `sha256`, by the platform's fastest way, which in browsers is asynchronous. */
  sha256Async(data: Uint8Array): Awaitable<Uint8Array>
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array
  hmacSha384(key: Uint8Array, data: Uint8Array): Uint8Array
  sha3_256(data: Uint8Array): Uint8Array
  shake256(data: Uint8Array, length: number): Uint8Array
  gcmKey(key: Uint8Array): GcmKey
  /** ML-KEM-768 (FIPS 203); the seed is d ‖ z, 64 bytes. */
  mlKemPublic(seed: Uint8Array): Awaitable<Uint8Array>
  /** The 32 coins come from `random` only in noble.ts: node:crypto and WebCrypto draw their own and take none. */
  mlKemEncaps(publicKey: Uint8Array, random: RandomBytes): Awaitable<{ ciphertext: Uint8Array; shared: Uint8Array }>
  mlKemDecaps(seed: Uint8Array, ciphertext: Uint8Array): Awaitable<Uint8Array>
  x25519Public(secret: Uint8Array): Awaitable<Uint8Array>
  /** Throws for a point of low order, whose shared secret would be all zero. */
  x25519(secret: Uint8Array, publicKey: Uint8Array): Awaitable<Uint8Array>
  ed25519Signer(seed: Uint8Array): Awaitable<Signer>
  ed25519Verifier(publicKey: Uint8Array): Awaitable<Verifier>
  /** ML-DSA-65 (FIPS 204), pure, empty context; signing is hedged with the platform's randomness. */
  mlDsaSigner(seed: Uint8Array): Awaitable<Signer>
  mlDsaVerifier(publicKey: Uint8Array): Awaitable<Verifier>
  /** Argon2id (RFC 9106), version 0x13, 32 bytes. */
  argon2id(input: Argon2Input): Promise<Uint8Array>
} & Secp
