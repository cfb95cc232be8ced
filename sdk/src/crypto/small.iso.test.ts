import { describe, expect, test } from 'vitest'
import { fromHex, toHex, utf8 } from '#base/bytes'
import { hkdf, hkdfExpand, hkdfExtract, hmacSha256, sha256, sha256Stream } from './hash.ts'
import { pad, padmeLength, unpad } from './padme.ts'
import { ARGON2_DEFAULTS, deriveKey } from './passphrase.ts'
import { combine, split, verifyShare } from './shamir.ts'
import { shredUnwrapper, shredWrap } from './shred.ts'
import { assertSuite, SUITE } from './suite.ts'
import { anyRandom, codeOf } from './vectors.kit.ts'

test('an unknown suite is refused, never guessed', async () => {
  expect(await codeOf(() => assertSuite(SUITE))).toBe('no error')
  for (const other of ['kw2', 'KW1', '', null, undefined, 1, ['kw1']]) expect(await codeOf(() => assertSuite(other))).toBe('UNKNOWN_SUITE')
})

describe('hashes', () => {
  test('FIPS 180-4 and RFC 4231 known answers', () => {
    expect(toHex(sha256(utf8('a'), utf8(''), utf8('bc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    const long = sha256Stream()
    for (let i = 0; i < 1000; i++) long.update(new Uint8Array(1000).fill(0x61))
    expect(toHex(long.digest())).toBe('cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0')
    expect(toHex(hmacSha256(utf8('Jefe'), utf8('what do ya want for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    )
  })
  test('RFC 5869 appendix A.1 and A.3', () => {
    const ikm = new Uint8Array(22).fill(0x0b)
    const prk = hkdfExtract(fromHex('000102030405060708090a0b0c'), ikm)
    expect(toHex(prk)).toBe('077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5')
    const okm = '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865'
    expect(toHex(hkdfExpand(prk, fromHex('f0f1f2f3f4f5f6f7f8f9'), 42))).toBe(okm)
    const none = new Uint8Array(0)
    expect(toHex(hkdf(ikm, none, none, 42))).toBe('8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8')
  })
})

describe('shares', () => {
  const secret = anyRandom(32)
  const deal = () => split({ secret, shares: 5, threshold: 3, random: anyRandom })

  test('any three of five give the secret', async () => {
    const { shares, commitment } = await deal()
    for (let a = 0; a < 5; a++)
      for (let b = a + 1; b < 5; b++)
        for (let c = b + 1; c < 5; c++) expect(await combine([shares[a]!, shares[b]!, shares[c]!], commitment)).toEqual(secret)
    expect(await combine(shares, commitment)).toEqual(secret)
  })

  test('a tampered share is named, and gives no secret', async () => {
    const { shares, commitment } = await deal()
    const altered = { index: 3, bytes: shares[3]!.bytes.with(0, shares[3]!.bytes[0]! ^ 1) }
    expect(verifyShare(altered, commitment)).toBe(false)
    const attempt = combine([shares[0]!, shares[1]!, altered], commitment)
    await expect(attempt).rejects.toMatchObject({ code: 'SHARE_TAMPERED', message: expect.stringContaining('index 3') })
  })

  test('a share does not pass for another, nor one of another dealing', async () => {
    const { shares, commitment } = await deal()
    const other = await deal()
    expect(verifyShare({ ...shares[0]!, index: 1 }, commitment)).toBe(false)
    expect(verifyShare({ ...shares[0]!, index: 9 }, commitment)).toBe(false)
    expect(await codeOf(() => combine([shares[0]!, shares[1]!, other.shares[2]!], commitment))).toBe('SHARE_TAMPERED')
    expect(await codeOf(() => combine(other.shares, { ...other.commitment, secret: commitment.secret }))).toBe('SHARE_TAMPERED')
  })

  test('too few shares, or one counted twice, give nothing', async () => {
    const { shares, commitment } = await deal()
    expect(await codeOf(() => combine(shares.slice(0, 2), commitment))).toBe('BAD_INPUT')
    expect(await codeOf(() => combine([shares[0]!, shares[1]!, shares[1]!], commitment))).toBe('BAD_INPUT')
    expect(await codeOf(() => combine([], commitment))).toBe('BAD_INPUT')
  })

  test('two of three that it takes are of another secret, whatever those who hold them say it takes', async () => {
    const { shares, commitment } = await deal()
    for (let a = 0; a < 5; a++)
      for (let b = a + 1; b < 5; b++)
        expect(await codeOf(() => combine([shares[a]!, shares[b]!], { ...commitment, threshold: 2 }))).toBe('SHARE_TAMPERED')
  })

  test('dealings that protect nothing are refused', async () => {
    for (const wrong of [
      { threshold: 1 },
      { threshold: 6 },
      { shares: 256, threshold: 2 },
      { secret: anyRandom(15) },
      { shares: 2.5, threshold: 2 },
    ])
      expect(await codeOf(() => split({ secret, shares: 5, threshold: 3, random: anyRandom, ...wrong }))).toBe('BAD_INPUT')
  })
})

describe('padding', () => {
  test('Padmé lengths are those of the paper, never shorter and at most 12 % longer', () => {
    expect([0, 1, 2, 8, 9, 15, 16, 17, 100, 1000, 1025, 10_000].map(padmeLength)).toEqual([
      0, 1, 2, 8, 10, 16, 16, 18, 104, 1024, 1088, 10_240,
    ])
    for (let n = 1; n < 20_000; n += 7) {
      const padded = padmeLength(n)
      expect(padded >= n && padded <= Math.max(n + 1, n * 1.12)).toBe(true)
      expect(padmeLength(padded)).toBe(padded)
    }
    expect(padmeLength(2 ** 40 + 1)).toBe(2 ** 40 + 2 ** 34)
  })
  test('what is padded comes back, zeros and marks at its end included', () => {
    for (let n = 0; n < 300; n++)
      for (const end of [0, 0x80, 0x80_00]) {
        const text = anyRandom(n)
        if (n > 1) text.set([end >> 8, end & 255], n - 2)
        expect(unpad(pad(text))).toEqual(text)
      }
    expect(pad(new Uint8Array(1000)).length).toBe(padmeLength(1001))
  })
  test('any other padding is refused', async () => {
    const good = pad(utf8('recorded'))
    for (const bad of [
      new Uint8Array(0),
      new Uint8Array(8),
      good.with(8, 0),
      good.with(9, 1),
      new Uint8Array([...good, 0, 0, 0]),
      good.subarray(0, 9),
    ])
      expect(await codeOf(() => unpad(bad))).toBe('BAD_INPUT')
  })
})

describe('passphrases', () => {
  const params = { salt: new Uint8Array(16).fill(7), memoryKiB: 8192, passes: 1, lanes: 1 }
  test('one passphrase has one key, however the keyboard composes it', async () => {
    const key = await deriveKey('café ﬁve', params)
    expect(key.length).toBe(32)
    expect(await deriveKey('cafe\u0301 five', params)).toEqual(key)
    expect(await deriveKey('cafe five', params)).not.toEqual(key)
    expect(await deriveKey('café ﬁve', { ...params, salt: anyRandom(16) })).not.toEqual(key)
    // Argon2id of "café five" by pyca/cryptography (OpenSSL).
    expect(toHex(key)).toBe('1f2f9edb4e0a8bfe59e5093ff93978410c013126521c00776505752ebf5f63ca')
  })
  test('parameters out of bounds are refused before any work is done', async () => {
    const wrong = [
      { memoryKiB: 8191 },
      { memoryKiB: 2 ** 31 },
      { passes: 0 },
      { passes: 1_000_000 },
      { lanes: 0 },
      { lanes: 255 },
      { passes: 1.5 },
      { salt: new Uint8Array(15) },
      { salt: new Uint8Array(65) },
      { memoryKiB: 1_048_576, passes: 16 },
      { memoryKiB: Number.NaN },
    ]
    for (const change of wrong) expect(await codeOf(() => deriveKey('x', { ...params, ...change }))).toBe('BAD_INPUT')
    expect(await codeOf(() => deriveKey('', params))).toBe('BAD_INPUT')
  })
  test('the defaults are within the bounds', async () => {
    expect((await deriveKey('x', { ...ARGON2_DEFAULTS, salt: params.salt })).length).toBe(32)
  })
})

describe('shredding', () => {
  const [key, row, bytes] = [anyRandom(32), utf8('row 1'), utf8('envelope')]
  test('a row opens under its bucket key and its own id only', async () => {
    const wrapped = await shredWrap(key, row, bytes, anyRandom)
    expect(await shredUnwrapper(key)(row, wrapped)).toEqual(bytes)
    expect(await codeOf(() => shredUnwrapper(anyRandom(32))(row, wrapped))).toBe('OPEN_FAILED')
    expect(await codeOf(() => shredUnwrapper(key)(utf8('row 2'), wrapped))).toBe('OPEN_FAILED')
    expect(await codeOf(() => shredUnwrapper(key)(row, wrapped.with(20, wrapped[20]! ^ 1)))).toBe('OPEN_FAILED')
    expect(await codeOf(() => shredUnwrapper(key)(row, wrapped.subarray(0, 27)))).toBe('TRUNCATED')
  })
  test('the same row is never wrapped to the same bytes', async () => {
    expect(await shredWrap(key, row, bytes, anyRandom)).not.toEqual(await shredWrap(key, row, bytes, anyRandom))
  })
})
