/** The part of npm `http_ece` 1.2 (RFC 8188 and RFC 8291, by the author of both) that is used; the package ships no types. */
declare module 'http_ece' {
  import type { ECDH } from 'node:crypto'

  type Keys = {
    readonly version: 'aes128gcm'
    /** Ours: it draws a fresh one for each message when encrypting. */
    readonly privateKey: ECDH
    /** The other side's public key, uncompressed; when decrypting it stands in the message. */
    readonly dh?: Buffer
    readonly authSecret: Buffer
    /** Drawn when absent. */
    readonly salt?: Buffer
    /** Bytes of padding. */
    readonly pad?: number
  }
  const ece: { encrypt(plaintext: Buffer, keys: Keys): Buffer; decrypt(message: Buffer, keys: Keys): Buffer }
  export default ece
}
