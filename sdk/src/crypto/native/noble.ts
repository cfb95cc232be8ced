import { ed25519, x25519 } from '@noble/curves/ed25519.js'
import { argon2idAsync } from '@noble/hashes/argon2.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha384 } from '@noble/hashes/sha2.js'
import { sha3_256, shake256 } from '@noble/hashes/sha3.js'
import { ml_dsa65 } from '@noble/post-quantum/ml-dsa.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { gcmKey } from './gcm-web.ts'
import type { Native, Signer, Verifier } from './native.ts'
import { secp } from './secp-noble.ts'

/** noble throws on a malformed signature; a verifier answers false. */
const quiet =
  (verify: Verifier): Verifier =>
  (message, signature) => {
    try {
      return verify(message, signature)
    } catch {
      return false
    }
  }

function mlDsaSigner(seed: Uint8Array): Signer {
  const { secretKey, publicKey } = ml_dsa65.keygen(seed)
  return { public: publicKey, sign: message => ml_dsa65.sign(message, secretKey) }
}

function mlDsaVerifier(key: Uint8Array): Verifier {
  if (key.length !== ml_dsa65.lengths.publicKey) throw new RangeError('ML-DSA-65 public key of wrong length')
  return quiet((message, signature) => ml_dsa65.verify(signature, message, key))
}

function ed25519Verifier(key: Uint8Array): Verifier {
  if (key.length !== 32) throw new RangeError('Ed25519 public key of wrong length')
  // zip215 accepts encodings that RFC 8032, and so node:crypto, refuses.
  return quiet((message, signature) => ed25519.verify(signature, message, key, { zip215: false }))
}

/** JavaScript throughout (AES-GCM excepted). Self-audited and not constant-time: only where the platform has nothing better. */
export const native: Native = {
  ...secp,
  name: 'noble',
  sha256: parts => {
    const h = sha256.create()
    for (const p of parts) h.update(p)
    return h.digest()
  },
  sha256Stream: () => {
    const h = sha256.create()
    return { update: data => void h.update(data), digest: () => h.digest() }
  },
  sha256Async: data => sha256(data),
  hmacSha256: (key, data) => hmac(sha256, key, data),
  hmacSha384: (key, data) => hmac(sha384, key, data),
  sha3_256: data => sha3_256(data),
  shake256: (data, length) => shake256(data, { dkLen: length }),
  gcmKey,
  mlKemPublic: seed => ml_kem768.keygen(seed).publicKey,
  mlKemEncaps: (key, random) => {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(key, random(32))
    return { ciphertext: cipherText, shared: sharedSecret }
  },
  mlKemDecaps: (seed, ciphertext) => ml_kem768.decapsulate(ciphertext, ml_kem768.keygen(seed).secretKey),
  x25519Public: secret => x25519.getPublicKey(secret),
  x25519: (secret, key) => x25519.getSharedSecret(secret, key),
  ed25519Signer: seed => {
    const own = seed.slice()
    return { public: ed25519.getPublicKey(own), sign: message => ed25519.sign(message, own) }
  },
  ed25519Verifier,
  mlDsaSigner,
  mlDsaVerifier,
  argon2id: ({ password, salt, memoryKiB, passes, lanes }) =>
    argon2idAsync(password, salt, { m: memoryKiB, t: passes, p: lanes, dkLen: 32, maxmem: 2 ** 31 }),
}
