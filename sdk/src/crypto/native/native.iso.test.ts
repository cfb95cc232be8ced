import { describe, expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '#base/bytes'
import { anyRandom, natives } from '#crypto/vectors.kit'
import { native as noble } from './noble.ts'

const seed = (length: number, fill: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (fill + 3 * i) % 256)

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
