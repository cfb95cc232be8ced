/** What the listener keeps on disk is sealed, and looked up by keyed hashes: the file alone says nothing of anybody. */
import { concat, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { hkdf, hmacSha256 } from '@keepwell/sdk/crypto/hash'
import { aeadOpen } from '@keepwell/sdk/crypto/open'
import { aeadSeal } from '@keepwell/sdk/crypto/seal'

export type Keep = {
  seal(mark: Uint8Array, plain: Uint8Array): Promise<Uint8Array>
  /** Throws OPEN_FAILED. */
  open(mark: Uint8Array, sealed: Uint8Array): Promise<Uint8Array>
  /** 32 bytes; the same for the same thing, and no way back. */
  mark(kind: 'message' | 'line' | 'identifier' | 'resource' | 'content', ...parts: readonly (string | Uint8Array)[]): Uint8Array
}

const NONCE = 12
const AAD = 'keepwell/v1/hl7v2/'

/** @param secret 32 bytes that only this home has. */
export function keepOf(secret: Uint8Array, random: (length: number) => Uint8Array): Keep {
  const derived = (what: string): Uint8Array => hkdf(secret, new Uint8Array(0), utf8(`${AAD}${what}`), 32)
  const [sealing, marking] = [derived('seal'), derived('mark')]
  // A key for each message: random nonces under one key would run out of safety after some years of a busy line.
  const keyOf = (mark: Uint8Array): Uint8Array => hmacSha256(sealing, mark)
  const aad = (mark: Uint8Array): Uint8Array => utf8(AAD + toHex(mark))
  return {
    async seal(mark, plaintext) {
      const nonce = random(NONCE)
      return concat(nonce, await aeadSeal({ key: keyOf(mark), nonce, aad: aad(mark), plaintext }))
    },
    open: (mark, sealed) =>
      aeadOpen({ key: keyOf(mark), nonce: sealed.subarray(0, NONCE), aad: aad(mark), ciphertext: sealed.subarray(NONCE) }),
    mark(kind, ...parts) {
      const pieces = parts.map(p => (typeof p === 'string' ? utf8(p.toWellFormed()) : p))
      return hmacSha256(marking, concat(utf8(`${kind}\0`), ...pieces.flatMap(p => [utf8(`${p.length}:`), p])))
    },
  }
}
