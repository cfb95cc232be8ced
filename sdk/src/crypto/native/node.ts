import {
  argon2,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { release } from '#base/bytes'
import type { GcmInput, GcmKey, Native, Signer, Verifier } from './native.ts'
import { loadSecp } from './secp-node.ts'

const TAG = 16

/** A Buffer would print, compare and encode differently from what every other platform returns. */
const plain = (b: Buffer): Uint8Array => new Uint8Array(b.buffer, b.byteOffset, b.length)
const view = (b: Uint8Array): Buffer => Buffer.from(b.buffer, b.byteOffset, b.length)

type Algorithm = 'ml-kem-768' | 'x25519' | 'ed25519' | 'ml-dsa-65'

/**
 * What `make` makes of raw bytes. Node asks of each such call whether it was given a KeyObject or a CryptoKey by catching two exceptions, and
 * collecting their stacks took a third of what making a key takes: none is collected meanwhile.
 */
function keyOf(make: () => KeyObject): KeyObject {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}

// Raw formats of node:crypto print no experimental warning; the same keys through WebCrypto do.
const privateKey = (asymmetricKeyType: Algorithm, key: Uint8Array): KeyObject =>
  keyOf(() =>
    createPrivateKey({ key: view(key), format: asymmetricKeyType.startsWith('ml') ? 'raw-seed' : 'raw-private', asymmetricKeyType }),
  )
const publicKey = (asymmetricKeyType: Algorithm, key: Uint8Array): KeyObject =>
  keyOf(() => createPublicKey({ key: view(key), format: 'raw-public', asymmetricKeyType }))
const publicBytes = (secret: KeyObject): Uint8Array => plain(createPublicKey(secret).export({ format: 'raw-public' }))

// Raw bytes as a key cost nine microseconds a call (node probes them for being a KeyObject by catching an exception); these do not.
const secretKey = (key: Uint8Array): KeyObject => createSecretKey(key)

function gcmKey(bytes: Uint8Array): GcmKey {
  const key = secretKey(bytes)
  return {
    seal({ nonce, aad, data }: GcmInput, out: Uint8Array) {
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      cipher.setAAD(aad)
      const sealed = cipher.update(data)
      out.set(sealed)
      release(sealed)
      cipher.final()
      out.set(cipher.getAuthTag(), data.length)
    },
    open({ nonce, aad, data }: GcmInput) {
      if (data.length < TAG) return null
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG })
      decipher.setAAD(aad)
      decipher.setAuthTag(data.subarray(data.length - TAG))
      const opened = decipher.update(data.subarray(0, data.length - TAG))
      try {
        decipher.final()
      } catch {
        return null
      }
      return plain(opened)
    },
  }
}

function signer(algorithm: Algorithm, seed: Uint8Array): Signer {
  const key = privateKey(algorithm, seed)
  return { public: publicBytes(key), sign: message => plain(sign(null, message, key)) }
}

function verifier(algorithm: Algorithm, publicBytes: Uint8Array): Verifier {
  const key = publicKey(algorithm, publicBytes)
  return (message, signature) => verify(null, message, key, signature)
}

function sha256(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return plain(hash('sha256', parts[0]!, 'buffer'))
  const h = createHash('sha256')
  for (const p of parts) h.update(p)
  return plain(h.digest())
}

function sha256Stream() {
  const h = createHash('sha256')
  return { update: (data: Uint8Array) => void h.update(data), digest: () => plain(h.digest()) }
}

/** node:crypto, synchronous; secp256k1 by libsecp256k1. */
export const native: Native = {
  ...(await loadSecp()),
  name: 'node',
  sha256,
  sha256Stream,
  sha256Async: data => sha256([data]),
  hmacSha256: (key, data) => plain(createHmac('sha256', secretKey(key)).update(data).digest()),
  hmacSha384: (key, data) => plain(createHmac('sha384', secretKey(key)).update(data).digest()),
  sha3_256: data => plain(createHash('sha3-256').update(data).digest()),
  shake256: (data, length) => plain(createHash('shake256', { outputLength: length }).update(data).digest()),
  gcmKey,
  mlKemPublic: seed => publicBytes(privateKey('ml-kem-768', seed)),
  mlKemEncaps: key => {
    const { sharedKey, ciphertext } = encapsulate(publicKey('ml-kem-768', key))
    return { shared: plain(sharedKey), ciphertext: plain(ciphertext) }
  },
  mlKemDecaps: (seed, ciphertext) => plain(decapsulate(privateKey('ml-kem-768', seed), ciphertext)),
  x25519Public: secret => publicBytes(privateKey('x25519', secret)),
  x25519: (secret, key) => plain(diffieHellman({ privateKey: privateKey('x25519', secret), publicKey: publicKey('x25519', key) })),
  ed25519Signer: seed => signer('ed25519', seed),
  ed25519Verifier: key => verifier('ed25519', key),
  mlDsaSigner: seed => signer('ml-dsa-65', seed),
  mlDsaVerifier: key => verifier('ml-dsa-65', key),
  argon2id: ({ password, salt, memoryKiB, passes, lanes }) =>
    new Promise((resolve, reject) =>
      argon2('argon2id', { message: password, nonce: salt, memory: memoryKiB, passes, parallelism: lanes, tagLength: 32 }, (error, key) =>
        error ? reject(error) : resolve(plain(key)),
      ),
    ),
}
