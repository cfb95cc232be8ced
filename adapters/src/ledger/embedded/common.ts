import { type Common, createCustomCommon, Hardfork, Mainnet } from '@ethereumjs/common'
import { recoverPoint } from '@keepwell/sdk/crypto/secp'
import { createKeccak } from 'hash-wasm'

/** keccak-256, synchronous. */
export type Keccak = (bytes: Uint8Array) => Uint8Array

/** The rules of one chain: Osaka from the first block, with keccak and key recovery in WebAssembly and C (8 and 30 times noble's speed). */
export async function chainRules(chainId: number): Promise<Common> {
  const hasher = await createKeccak(256)
  const keccak256: Keccak = bytes => hasher.init().update(bytes).digest('binary')
  return createCustomCommon({ chainId, name: 'keepwell' }, Mainnet, {
    hardfork: Hardfork.Osaka,
    customCrypto: { keccak256, ecrecover: recover },
  })
}

export const keccakOf = (common: Common): Keccak => common.customCrypto.keccak256!

/** The 64-byte public key behind a signature; throws when there is none. `v` is 0/1, 27/28 or, with a chain id, that of EIP-155. */
export function recover(hash: Uint8Array, v: bigint, r: Uint8Array, s: Uint8Array, chainId?: bigint): Uint8Array {
  const id = v === 0n || v === 1n ? v : chainId === undefined ? v - 27n : v - (chainId * 2n + 35n)
  if (id !== 0n && id !== 1n) throw new Error('Invalid signature v value')
  if (r.length > 32 || s.length > 32) throw new Error('Invalid signature length')
  const signature = new Uint8Array(64)
  signature.set(r, 32 - r.length)
  signature.set(s, 64 - s.length)
  return recoverPoint(hash, signature, id === 0n ? 0 : 1)
}
