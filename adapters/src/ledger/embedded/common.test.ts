import { ecrecover } from '@ethereumjs/util'
import { keccak256 } from 'viem'
import { sign } from 'viem/accounts'
import { expect, test } from 'vitest'
import { chainRules, keccakOf, recover } from './common.ts'

const slow = (input: Uint8Array) => keccak256(input, 'bytes')
/** The order of secp256k1. */
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const bytes = (n: bigint) => Uint8Array.from(Buffer.from(n.toString(16).padStart(64, '0'), 'hex'))
const random = (seed: number, length: number) =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(seed + 1, 2654435761) >>> (i % 24)) ^ (i * 37))

test('keccak-256 in WebAssembly equals the JavaScript one at every length', async () => {
  const fast = keccakOf(await chainRules(1))
  const hashes = Array.from({ length: 300 }, (_, length) => fast(random(length, length)))
  hashes.forEach((hash, length) => {
    expect(hash).toEqual(Uint8Array.from(slow(random(length, length))))
  })
})

test('native key recovery equals the JavaScript one, high s and nonsense included', async () => {
  const outcome = (work: () => Uint8Array) => {
    try {
      return Buffer.from(work()).toString('hex')
    } catch {
      return 'throws'
    }
  }
  for (let i = 0; i < 40; i++) {
    const hash = slow(random(i, 32))
    const signature = await sign({ hash: keccak256(random(i, 32)), privateKey: keccak256(random(i + 1000, 32)) })
    const [v, r, s] = [BigInt(signature.yParity!), BigInt(signature.r), BigInt(signature.s)]
    const cases: [bigint, bigint, bigint, bigint?][] = [
      [v + 27n, r, s],
      [28n - v, r, N - s],
      [28n - v, r, s],
      [v + 35n + 2n * 271_828_182_845n, r, s, 271_828_182_845n],
      [v + 37n, r, s, 2n],
      [27n, 0n, s],
      [27n, r, 0n],
      [27n, N, s],
      [27n, r, N],
      [29n, r, s],
      [27n, r + 1n, s],
    ]
    for (const [av, ar, as, chain] of cases) {
      expect(outcome(() => recover(hash, av, bytes(ar), bytes(as), chain))).toBe(
        outcome(() => ecrecover(hash, av, bytes(ar), bytes(as), chain)),
      )
    }
  }
})
