import { fromBase64Url, type RandomBytes } from '#base/bytes'
import { gcmKey } from './gcm-web.ts'
import type { Awaitable, Native, Signer, Verifier } from './native.ts'
import { native as noble } from './noble.ts'

type Algorithm = 'ML-KEM-768' | 'ML-DSA-65' | 'X25519' | 'Ed25519'

/** The encapsulation calls of WebCrypto's "modern algorithms", not yet in the DOM types. */
type Kem = {
  encapsulateBits(algorithm: string, key: CryptoKey): Promise<{ sharedKey: ArrayBuffer; ciphertext: ArrayBuffer }>
  decapsulateBits(algorithm: string, key: CryptoKey, ciphertext: BufferSource): Promise<ArrayBuffer>
}
const subtle = () => globalThis.crypto.subtle
const kem = () => globalThis.crypto.subtle as unknown as Kem

/** RFC 8410 PKCS #8 before the 32 secret bytes; the last byte of the algorithm identifier tells the two apart. */
const pkcs8 = (oid: number, secret: Uint8Array): Uint8Array<ArrayBuffer> => {
  const out = new Uint8Array(48)
  out.set([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, oid, 4, 0x22, 4, 0x20])
  out.set(secret, 16)
  return out
}

const PRIVATE_USES: Record<Algorithm, string[]> = {
  'ML-KEM-768': ['decapsulateBits'],
  'ML-DSA-65': ['sign'],
  X25519: ['deriveBits'],
  Ed25519: ['sign'],
}
const PUBLIC_USES: Record<Algorithm, string[]> = {
  'ML-KEM-768': ['encapsulateBits'],
  'ML-DSA-65': ['verify'],
  X25519: [],
  Ed25519: ['verify'],
}

const importKey = (format: string, bytes: Uint8Array, algorithm: Algorithm, extractable: boolean, uses: string[]): Promise<CryptoKey> =>
  subtle().importKey(format as 'raw', bytes as BufferSource, algorithm, extractable, uses as KeyUsage[])

function privateKey(algorithm: Algorithm, secret: Uint8Array, extractable = false): Promise<CryptoKey> {
  const uses = PRIVATE_USES[algorithm]
  if (algorithm === 'X25519') return importKey('pkcs8', pkcs8(0x6e, secret), algorithm, extractable, uses)
  if (algorithm === 'Ed25519') return importKey('pkcs8', pkcs8(0x70, secret), algorithm, extractable, uses)
  return importKey('raw-seed', secret, algorithm, extractable, uses)
}

const publicKey = (algorithm: Algorithm, bytes: Uint8Array): Promise<CryptoKey> =>
  importKey(algorithm.startsWith('ML') ? 'raw-public' : 'raw', bytes, algorithm, true, PUBLIC_USES[algorithm])

/** WebCrypto gives the public half of a private key only inside its JWK: `x` (RFC 8037) or `pub` (AKP). */
async function publicBytes(algorithm: Algorithm, secret: Uint8Array): Promise<Uint8Array> {
  const jwk = (await subtle().exportKey('jwk', await privateKey(algorithm, secret, true))) as JsonWebKey & { pub?: string }
  const half = jwk.pub ?? jwk.x
  if (half === undefined) throw new Error(`No public half in the JWK of ${algorithm}`)
  return fromBase64Url(half)
}

const SEED_LENGTH: Record<Algorithm, number> = { 'ML-KEM-768': 64, 'ML-DSA-65': 32, X25519: 32, Ed25519: 32 }
const detected = new Map<Algorithm, Promise<boolean>>()

/** Whether the browser does the whole of what is needed with this algorithm, tried once by doing it. */
function has(algorithm: Algorithm): Promise<boolean> {
  let known = detected.get(algorithm)
  if (known === undefined) {
    known = publicBytes(algorithm, new Uint8Array(SEED_LENGTH[algorithm]).fill(1))
      .then(bytes => publicKey(algorithm, bytes))
      .then(() => algorithm !== 'ML-KEM-768' || typeof kem().encapsulateBits === 'function')
      .catch(() => false)
    detected.set(algorithm, known)
  }
  return known
}

/** Runs `web` where the browser has the algorithm, else the noble twin. */
const either =
  <A extends unknown[], R>(algorithm: Algorithm, web: (...args: A) => Awaitable<R>, fallback: (...args: A) => Awaitable<R>) =>
  async (...args: A): Promise<R> =>
    (await has(algorithm)) ? web(...args) : fallback(...args)

async function signer(algorithm: Algorithm, seed: Uint8Array): Promise<Signer> {
  const [key, half] = await Promise.all([privateKey(algorithm, seed), publicBytes(algorithm, seed)])
  return { public: half, sign: async message => new Uint8Array(await subtle().sign(algorithm, key, message as BufferSource)) }
}

async function verifier(algorithm: Algorithm, bytes: Uint8Array): Promise<Verifier> {
  const key = await publicKey(algorithm, bytes)
  return (message, signature) => subtle().verify(algorithm, key, signature as BufferSource, message as BufferSource)
}

/** The browser draws its own coins and takes none. */
async function mlKemEncaps(key: Uint8Array, _random: RandomBytes) {
  const { sharedKey, ciphertext } = await kem().encapsulateBits('ML-KEM-768', await publicKey('ML-KEM-768', key))
  return { shared: new Uint8Array(sharedKey), ciphertext: new Uint8Array(ciphertext) }
}

async function mlKemDecaps(seed: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array> {
  const key = await privateKey('ML-KEM-768', seed)
  return new Uint8Array(await kem().decapsulateBits('ML-KEM-768', key, ciphertext as BufferSource))
}

async function x25519(secret: Uint8Array, point: Uint8Array): Promise<Uint8Array> {
  const [key, peer] = await Promise.all([privateKey('X25519', secret), publicKey('X25519', point)])
  return new Uint8Array(await subtle().deriveBits({ name: 'X25519', public: peer }, key, 256))
}

/** WebCrypto where the browser has the algorithm, noble elsewhere; hashes are noble's, for they must be synchronous. */
export const native: Native = {
  ...noble,
  name: 'web',
  sha256Async: async data => new Uint8Array(await subtle().digest('SHA-256', data as BufferSource)),
  gcmKey,
  mlKemPublic: either('ML-KEM-768', seed => publicBytes('ML-KEM-768', seed), noble.mlKemPublic),
  mlKemEncaps: either('ML-KEM-768', mlKemEncaps, noble.mlKemEncaps),
  mlKemDecaps: either('ML-KEM-768', mlKemDecaps, noble.mlKemDecaps),
  x25519Public: either('X25519', secret => publicBytes('X25519', secret), noble.x25519Public),
  x25519: either('X25519', x25519, noble.x25519),
  ed25519Signer: either('Ed25519', seed => signer('Ed25519', seed), noble.ed25519Signer),
  ed25519Verifier: either('Ed25519', key => verifier('Ed25519', key), noble.ed25519Verifier),
  mlDsaSigner: either('ML-DSA-65', seed => signer('ML-DSA-65', seed), noble.mlDsaSigner),
  mlDsaVerifier: either('ML-DSA-65', key => verifier('ML-DSA-65', key), noble.mlDsaVerifier),
  async argon2id({ password, salt, memoryKiB, passes, lanes }) {
    // Loaded when first needed: its WebAssembly is larger than all the rest of this room.
    const { argon2id } = await import('hash-wasm')
    return argon2id({ password, salt, memorySize: memoryKiB, iterations: passes, parallelism: lanes, hashLength: 32, outputType: 'binary' })
  },
}
