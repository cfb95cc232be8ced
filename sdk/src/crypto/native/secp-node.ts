import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { compare, concat, fromHex, toHex } from '#base/bytes'
import type { Secp } from './native.ts'

/** What is used of npm `secp256k1` 5, which ships no types. Each throws where an argument has another length or is out of range. */
type Libsecp = {
  contextRandomize(seed: Uint8Array): void
  publicKeyCreate(secret: Uint8Array, compressed: false): Uint8Array
  ecdsaSign(digest: Uint8Array, secret: Uint8Array): { signature: Uint8Array; recid: number }
  ecdsaRecover(signature: Uint8Array, recovery: number, digest: Uint8Array, compressed: false): Uint8Array
}

/** The binding itself: the package's own entry would fall back to `elliptic`, which is slower than noble and not kept as well. */
const binding = (): Libsecp => createRequire(import.meta.url)('secp256k1/bindings.js')

const ORDER = fromHex('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141')

/** RFC 6979 3.2 derives the nonce from the digest modulo the order; the library takes it as it comes. One digest in 2^128 differs. */
function reduced(digest: Uint8Array): Uint8Array {
  if (compare(digest, ORDER) < 0) return digest
  return fromHex((BigInt(`0x${toHex(digest)}`) - BigInt(`0x${toHex(ORDER)}`)).toString(16).padStart(64, '0'))
}

/** secp256k1 by libsecp256k1; where it is not built for this machine, by noble. */
export async function loadSecp(load = binding): Promise<Secp> {
  let lib: Libsecp
  try {
    lib = load()
  } catch {
    return (await import('./secp-noble.ts')).secp
  }
  lib.contextRandomize(randomBytes(32)) // blinds what signing computes, as the library asks
  return {
    secpPublic: secret => lib.publicKeyCreate(secret, false).subarray(1),
    secpSign: (secret, digest) => {
      const { signature, recid } = lib.ecdsaSign(reduced(digest), secret)
      return concat(signature, Uint8Array.of(recid))
    },
    secpRecover: (digest, signature, recovery) => lib.ecdsaRecover(signature, recovery, digest, false).subarray(1),
  }
}
