/** The part of npm `secp256k1` 5 (libsecp256k1, with a JavaScript fallback) that the ledger uses; the package ships no types. */
declare module 'secp256k1' {
  /** `signature` is r ‖ s, 64 bytes. Throws when no key can be recovered. */
  export function ecdsaRecover(signature: Uint8Array, recoveryId: number, message: Uint8Array, compressed: boolean): Uint8Array
}
