import type { GcmInput, GcmKey } from './native.ts'

/** AES-256-GCM of WebCrypto, which every platform has; the key is imported at first use. */
export function gcmKey(key: Uint8Array): GcmKey {
  const { subtle } = globalThis.crypto
  const copy = key.slice() // the caller may wipe its bytes before the first use
  let imported: Promise<CryptoKey> | undefined
  const cryptoKey = (): Promise<CryptoKey> => {
    imported ??= subtle.importKey('raw', copy, 'AES-GCM', false, ['encrypt', 'decrypt'])
    return imported
  }
  const algorithm = ({ nonce, aad }: GcmInput) => ({ name: 'AES-GCM', iv: nonce as BufferSource, additionalData: aad as BufferSource })
  return {
    async seal(input, out) {
      out.set(new Uint8Array(await subtle.encrypt(algorithm(input), await cryptoKey(), input.data as BufferSource)))
    },
    async open(input) {
      try {
        return new Uint8Array(await subtle.decrypt(algorithm(input), await cryptoKey(), input.data as BufferSource))
      } catch (e) {
        if (e instanceof Error && e.name === 'OperationError') return null
        throw e
      }
    },
  }
}
