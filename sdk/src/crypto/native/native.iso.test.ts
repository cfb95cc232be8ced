import { describe, expect, test } from 'vitest'
import { concat, fromHex, toHex, utf8 } from '#base/bytes'
import { anyRandom, natives } from '#crypto/vectors.kit'
import { native as noble } from './noble.ts'

const seed = (length: number, fill: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (fill + 3 * i) % 256)

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const number = (n: bigint): Uint8Array => fromHex(n.toString(16).padStart(64, '0'))

describe.each(natives)('primitives of $name are byte-equal to the fallback', native => {
  test.each([0, 1, 55, 56, 63, 64, 65, 127, 128, 136, 200, 1000])('hashes and MACs of %i bytes', async n => {
    const data = seed(n, n)
    expect(native.sha256([data.subarray(0, n >> 1), data.subarray(n >> 1)])).toEqual(noble.sha256([data]))
    expect(await native.sha256Async(data)).toEqual(noble.sha256([data]))
    expect(native.sha3_256(data)).toEqual(noble.sha3_256(data))
    expect(native.shake256(data, 96)).toEqual(noble.shake256(data, 96))
    for (const key of [seed(1, 9), seed(32, 8), seed(48, 7), seed(200, 6)]) {
      expect(native.hmacSha256(key, data)).toEqual(noble.hmacSha256(key, data))
      expect(native.hmacSha384(key, data)).toEqual(noble.hmacSha384(key, data))
    }
    const stream = native.sha256Stream()
    for (let i = 0; i < n; i += 7) stream.update(data.subarray(i, i + 7))
    expect(stream.digest()).toEqual(noble.sha256([data]))
  })

  test('results are plain byte arrays that share no memory with each other', () => {
    const digests = Array.from({ length: 300 }, (_, i) => native.sha256([Uint8Array.of(i)]))
    for (const [i, d] of digests.entries()) {
      expect(Object.getPrototypeOf(d)).toBe(Uint8Array.prototype)
      expect(d).toEqual(noble.sha256([Uint8Array.of(i)]))
    }
  })

  test('AES-256-GCM seals and opens across the two, also with no text', async () => {
    for (const n of [0, 1, 4096, 262_112]) {
      const [key, input] = [seed(32, 1), { nonce: seed(12, 2), aad: seed(9, 3), data: seed(n, 4) }]
      const out = new Uint8Array(n + 16)
      await native.gcmKey(key).seal(input, out)
      expect(await noble.gcmKey(key).open({ ...input, data: out })).toEqual(input.data)
      expect(await native.gcmKey(key).open({ ...input, data: out.subarray(1) })).toBeNull()
      expect(await native.gcmKey(key).open({ ...input, data: out.subarray(0, 15) })).toBeNull()
    }
  })

  test('ML-KEM-768 keys and secrets agree across the two, implicit rejection included', async () => {
    const key = seed(64, 5)
    const publicKey = await native.mlKemPublic(key)
    expect(publicKey).toEqual(await noble.mlKemPublic(key))
    for (const [a, b] of [
      [native, noble],
      [noble, native],
    ] as const) {
      const { ciphertext, shared } = await a.mlKemEncaps(publicKey, anyRandom)
      expect(await b.mlKemDecaps(key, ciphertext)).toEqual(shared)
      ciphertext[7]! ^= 1
      const rejected = await a.mlKemDecaps(key, ciphertext)
      expect(rejected).toEqual(await b.mlKemDecaps(key, ciphertext))
      expect(rejected).not.toEqual(shared)
    }
  })

  test('X25519 agrees across the two', async () => {
    const [a, b] = [seed(32, 11), seed(32, 12)]
    expect(await native.x25519Public(a)).toEqual(await noble.x25519Public(a))
    expect(await native.x25519(a, await noble.x25519Public(b))).toEqual(await noble.x25519(b, await native.x25519Public(a)))
  })

  test('signatures verify across the two, and Ed25519 ones are equal', async () => {
    const message = utf8('the same bytes')
    for (const algorithm of ['ed25519', 'mlDsa'] as const) {
      const [ours, theirs] = [await native[`${algorithm}Signer`](seed(32, 13)), await noble[`${algorithm}Signer`](seed(32, 13))]
      expect(ours.public).toEqual(theirs.public)
      const signature = await ours.sign(message)
      if (algorithm === 'ed25519') expect(signature).toEqual(await theirs.sign(message))
      for (const n of [native, noble]) {
        const verify = await n[`${algorithm}Verifier`](ours.public)
        expect(await verify(message, signature)).toBe(true)
        expect(await verify(message, await theirs.sign(message))).toBe(true)
        expect(await verify(utf8('other bytes'), signature)).toBe(false)
        expect(await verify(message, signature.subarray(1))).toBe(false)
      }
    }
  })

  test('a signing key is taken in as a copy: wiping the seed afterwards changes nothing', async () => {
    const own = seed(32, 14)
    const signer = await native.ed25519Signer(own)
    own.fill(0)
    const verify = await native.ed25519Verifier(signer.public)
    expect(await verify(utf8('m'), await signer.sign(utf8('m')))).toBe(true)
  })

  // Published with the deterministic signatures of Bitcoin's wallets (bitcointalk.org, topic 285142): RFC 6979 over SHA-256.
  test.each([
    [
      '01',
      '934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d82442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5',
    ],
    [
      toHex(number(ORDER - 1n)),
      'fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d06b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5',
    ],
  ])('secp256k1 gives the published signature of the key %s', (key, signature) => {
    const signed = native.secpSign(fromHex(key.padStart(64, '0')), native.sha256([utf8('Satoshi Nakamoto')]))
    expect(toHex(signed.subarray(0, 64))).toBe(signature)
  })

  test('secp256k1 has the same keys and signatures, recovers the same and refuses the same', () => {
    const outcome = (work: () => Uint8Array): string => {
      try {
        return toHex(work())
      } catch {
        return 'refused'
      }
    }
    const same = (work: (n: typeof native) => Uint8Array, what: string): string => {
      const ours = outcome(() => work(native))
      expect(ours, what).toBe(outcome(() => work(noble)))
      return ours
    }
    const edges = [0n, 1n, ORDER - 1n, ORDER, ORDER + 1n, 2n ** 256n - 1n].map(number)
    const hash = (n: number): Uint8Array => noble.sha256([Uint8Array.of(n)])
    const lengths = [0, 31, 33, 64].map(n => seed(n, 1))
    for (const key of [...edges, hash(1), ...lengths]) {
      const usable = same(n => n.secpPublic(key), 'public')
      for (const digest of [...edges, hash(2), ...lengths]) {
        const signed = same(n => n.secpSign(key, digest), `sign ${toHex(key)} ${toHex(digest)}`)
        expect(signed === 'refused').toBe(usable === 'refused' || digest.length !== 32)
      }
    }
    for (let i = 0; i < 24; i++) {
      const [key, digest] = [hash(i), i % 6 === 0 ? edges[i / 6 + 1]! : hash(i + 100)]
      const signed = native.secpSign(key, digest)
      const [r, s, recovery] = [signed.subarray(0, 32), signed.subarray(32, 64), signed[64] as 0 | 1]
      const high = number(ORDER - BigInt(`0x${toHex(s)}`))
      const off = r.map((b, at) => (at === 31 ? b + i : b))
      const cases: [Uint8Array, Uint8Array, number][] = [
        [r, s, recovery],
        [r, s, 1 - recovery],
        [r, high, 1 - recovery],
        [off, s, recovery],
        ...edges.flatMap((e): [Uint8Array, Uint8Array, number][] => [
          [e, s, recovery],
          [r, e, recovery],
        ]),
        ...[-1, 2, 3, 4].map((id): [Uint8Array, Uint8Array, number] => [r, s, id]),
        ...lengths.map((bytes): [Uint8Array, Uint8Array, number] => [r, bytes, recovery]),
      ]
      const answers = cases.map(([r, s, id]) => same(n => n.secpRecover(digest, concat(r, s), id as 0), `${toHex(r)} ${toHex(s)} ${id}`))
      expect(answers[0]).toBe(toHex(native.secpPublic(key)))
      expect(answers[2]).toBe(answers[0])
      for (const digest of lengths) same(n => n.secpRecover(digest, concat(r, s), recovery), 'digest')
    }
  })

  test('Argon2id gives the answers of the reference implementation (phc-winner-argon2 src/test.c)', async () => {
    const known = [
      [256, 2, 1, '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe'],
      [256, 2, 2, '6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037'],
    ] as const
    for (const [memoryKiB, passes, lanes, expected] of known) {
      const key = await native.argon2id({ password: utf8('password'), salt: utf8('somesalt'), memoryKiB, passes, lanes })
      expect(toHex(key)).toBe(expected)
      expect(key).toEqual(fromHex(expected))
    }
  })
})
