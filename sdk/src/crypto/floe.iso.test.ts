import { describe, expect, test } from 'vitest'
import { concat, fromHex, toHex, utf8 } from '#base/bytes'
import { native } from '#crypto/native/platform'
import { sha256 } from './hash.ts'
import { aeadOpen, openPayload, payloadOpener, payloadRange, plainSize } from './open.ts'
import { aeadSeal, CIPHER_SEGMENT, HEADER, PLAIN_SEGMENT, payloadSealer, sealPayload } from './seal.ts'
import { anyRandom, codeOf, externalText, kw1Vectors, published, scripted } from './vectors.kit.ts'

type Sealing = { key: string; aad: string; iv: string; nonces: string[] }
type Own = {
  valid: (Sealing & { segment: number; rotation: number; plaintext: string; payload: string })[]
  large: (Sealing & { length: number; sha256: string })[]
  invalid: { name: string; code: string; segment: number; rotation: number; key: string; aad: string; payload: string }[]
}
const own = kw1Vectors<Own>('floe')

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (7 * i + Math.floor(i / 251)) % 256)
const key = pattern(32)
const aad = utf8('record 1')

describe('FLOE, known answers', () => {
  test.each(own.valid)('segments of $segment: $plaintext', async v => {
    const params = { segment: v.segment, rotation: v.rotation }
    const input = { key: fromHex(v.key), aad: fromHex(v.aad), params }
    const random = scripted(v.iv, ...v.nonces)
    expect(toHex(await sealPayload({ ...input, random, plaintext: fromHex(v.plaintext) }))).toBe(v.payload)
    expect(toHex(await openPayload({ ...input, payload: fromHex(v.payload) }))).toBe(v.plaintext)
  })

  test.each(own.large)('$length bytes in segments of 256 KiB', async v => {
    const input = { key: fromHex(v.key), aad: fromHex(v.aad) }
    const payload = await sealPayload({ ...input, random: scripted(v.iv, ...v.nonces), plaintext: pattern(v.length) })
    expect(toHex(sha256(payload))).toBe(v.sha256)
    expect(sha256(await openPayload({ ...input, payload }))).toEqual(sha256(pattern(v.length)))
    expect(plainSize(payload.length)).toBe(v.length)
  })

  test.each(own.invalid)('does not open: $name', async v => {
    const input = { key: fromHex(v.key), aad: fromHex(v.aad), params: { segment: v.segment, rotation: v.rotation } }
    expect(await codeOf(() => openPayload({ ...input, payload: fromHex(v.payload) }))).toBe(v.code)
  })

  for (const [name, rotation] of [
    ['cpp_GCM256_IV256_4K', 20],
    ['cpp_GCM256_IV256_64', 20],
    ['rust_GCM256_IV256_64', 20],
    ['cpp_rotation', 2],
    ['java_lastSegAligned', 20],
    ['java_lastSegEmpty', 20],
  ] as const)
    published<string>(`vectors/floe/${name}_ct.txt`, 'the files of other implementations open', async file => {
      const payload = fromHex(file.trim())
      const segment = new DataView(payload.buffer).getUint32(2)
      const input = { key: new Uint8Array(32), aad: utf8('This is AAD'), params: { segment, rotation }, payload }
      const plaintext = (await externalText(`vectors/floe/${name}_pt.txt`))!.trim()
      expect(await openPayload(input)).toEqual(fromHex(plaintext))
      expect(await codeOf(() => openPayload({ ...input, aad: utf8('This is AAe') }))).toBe('OPEN_FAILED')
      expect(await codeOf(() => openPayload({ ...input, payload: payload.subarray(0, payload.length - 1) }))).toBe('TRUNCATED')
      console.info(`floe ${name} [${native.name}] ENC_SEG_LEN ${segment}: ${plaintext.length / 2} bytes opened`)
    })
})

describe('a payload in transit (T27)', () => {
  const seal = (n: number, k = key, context = aad) => sealPayload({ key: k, aad: context, random: anyRandom, plaintext: pattern(n) })
  const cut = (payload: Uint8Array): Uint8Array[] => {
    const out = [payload.subarray(0, HEADER)]
    for (let at = HEADER; at < payload.length; at += CIPHER_SEGMENT) out.push(payload.subarray(at, at + CIPHER_SEGMENT))
    return out
  }
  const open = (...parts: Uint8Array[]) => codeOf(() => openPayload({ key, aad, payload: concat(...parts) }))
  const size = 3 * PLAIN_SEGMENT + 1000

  test('truncation at every boundary and beside it is found', async () => {
    const payload = await seal(size)
    for (let boundary = HEADER; boundary < payload.length; boundary += CIPHER_SEGMENT)
      for (const end of [boundary - 1, boundary, boundary + 1, boundary + 31, boundary + 32, boundary + 33])
        expect(await open(payload.subarray(0, end)), `cut at ${end}`).toBe('TRUNCATED')
    expect(await open(payload.subarray(0, payload.length - 1))).toBe('TRUNCATED')
    expect(await open(payload)).toBe('no error')
  })

  test('reordering, repetition, omission and appending are found', async () => {
    const [h, a, b, c, last] = cut(await seal(size)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    for (const parts of [
      [h, b, a, c, last],
      [h, a, c, b, last],
      [h, a, a, c, last],
      [h, a, c, last],
      [h, a, b, c, last, last],
      [h, last],
    ])
      expect(await open(...parts)).toBe('OPEN_FAILED')
  })

  test('segments and headers do not move between payloads, even under one key', async () => {
    const [mine, theirs] = [cut(await seal(size)), cut(await seal(size))]
    for (let i = 0; i < mine.length; i++) expect(await open(...mine.with(i, theirs[i]!)), `part ${i}`).toBe('OPEN_FAILED')
  })

  test('another key or another record does not open, and the header alone tells', async () => {
    const payload = await seal(size)
    const header = payload.subarray(0, HEADER)
    for (const input of [
      { key: anyRandom(32), aad },
      { key, aad: utf8('record 2') },
    ]) {
      expect(await codeOf(() => openPayload({ ...input, payload }))).toBe('OPEN_FAILED')
      expect(await codeOf(() => payloadOpener({ ...input, header }))).toBe('OPEN_FAILED')
    }
  })

  test('one flipped bit anywhere is found', async () => {
    const payload = await seal(1000)
    for (let at = 0; at < payload.length; at += 13) {
      const altered = payload.slice()
      altered[at]! ^= 1 << (at % 8)
      expect(await open(altered), `byte ${at}`).not.toBe('no error')
    }
  })

  test('what fails to open says so in the closed list of codes, whatever the bytes are', async () => {
    for (let n = 0; n < 300; n++) {
      const noise = anyRandom(n)
      if (n > 10) noise.set(fromHex('00000004000000000020'))
      expect(['TRUNCATED', 'OPEN_FAILED']).toContain(await open(noise))
    }
  })
})

describe('random access', () => {
  const size = 2 * PLAIN_SEGMENT + 5000
  const text = pattern(size)

  test('any range opens from the segments that hold it, and from no others', async () => {
    const payload = await sealPayload({ key, aad, random: anyRandom, plaintext: text })
    const opener = payloadOpener({ key, aad, header: payload.subarray(0, HEADER) })
    const ranges = [
      [0, 1, 1],
      [0, PLAIN_SEGMENT, 1],
      [PLAIN_SEGMENT - 1, 2, 2],
      [PLAIN_SEGMENT, PLAIN_SEGMENT, 1],
      [100, size, 3],
      [size - 1, 1, 1],
      [size - 10, 1000, 1],
      [size, 10, 0],
      [size + 5, 10, 0],
      [7, 0, 0],
    ] as const
    for (const [offset, length, count] of ranges) {
      const segments = payloadRange({ size: payload.length, offset, length })
      expect(segments.length, `${offset}+${length}`).toBe(count)
      const parts = await Promise.all(
        segments.map(async s => (await opener.segment(s.index, payload.subarray(s.start, s.end), s.last)).subarray(s.from, s.to)),
      )
      expect(concat(...parts)).toEqual(text.subarray(offset, offset + length))
    }
  })

  test('a payload of exactly full segments has no empty one at the end, and an empty text has one segment', () => {
    expect(payloadRange({ size: HEADER + 2 * CIPHER_SEGMENT, offset: 0, length: 1e9 }).map(s => s.last)).toEqual([false, true])
    expect(plainSize(HEADER + 32)).toBe(0)
  })

  test('sizes no payload can have are refused', async () => {
    for (const bad of [0, HEADER, HEADER + 31, HEADER + CIPHER_SEGMENT + 31]) expect(await codeOf(() => plainSize(bad))).toBe('TRUNCATED')
  })

  test('a segment opens at its own place only, and only as what it was sealed as', async () => {
    const payload = await sealPayload({ key, aad, random: anyRandom, plaintext: text })
    const opener = payloadOpener({ key, aad, header: payload.subarray(0, HEADER) })
    const second = payload.subarray(HEADER + CIPHER_SEGMENT, HEADER + 2 * CIPHER_SEGMENT)
    expect(await opener.segment(1, second, false)).toEqual(text.subarray(PLAIN_SEGMENT, 2 * PLAIN_SEGMENT))
    expect(await codeOf(() => opener.segment(0, second, false))).toBe('OPEN_FAILED')
    expect(await codeOf(() => opener.segment(1, second, true))).toBe('TRUNCATED')
    expect(await codeOf(() => opener.segment(-1, second, false))).toBe('BAD_INPUT')
  })
})

describe('sealing in a stream', () => {
  test('gives the same bytes as sealing at once, overlapping calls included', async () => {
    const text = pattern(2 * PLAIN_SEGMENT + 10)
    const draws = toHex(anyRandom(32 + 3 * 12))
    const sealer = payloadSealer({ key, aad, random: scripted(draws) })
    const parts = await Promise.all(
      [0, 1, 2].map(i => sealer.segment(i, text.subarray(i * PLAIN_SEGMENT, (i + 1) * PLAIN_SEGMENT), i === 2)),
    )
    const whole = await sealPayload({ key, aad, random: scripted(draws), plaintext: text })
    expect(sha256(sealer.header, ...parts)).toEqual(sha256(whole))
  })

  test('room given for the result is used and bounds nothing else', async () => {
    const draws = toHex(anyRandom(32 + 12))
    const room = new Uint8Array(CIPHER_SEGMENT + 100).fill(9)
    const sealed = await payloadSealer({ key, aad, random: scripted(draws) }).segment(0, pattern(1000), true, room.subarray(50))
    expect(sealed).toEqual(await payloadSealer({ key, aad, random: scripted(draws) }).segment(0, pattern(1000), true))
    expect([sealed.buffer === room.buffer, room[49], room[50 + 1032]]).toEqual([true, 9, 9])
    const small = () => payloadSealer({ key, aad, random: anyRandom }).segment(0, pattern(10), true, new Uint8Array(42))
    expect(await codeOf(small)).toBe('BAD_INPUT')
  })

  test('a segment is sealed once, in order, of full length unless the last', async () => {
    const sealer = payloadSealer({ key, aad, random: anyRandom })
    expect(await codeOf(() => sealer.segment(1, pattern(PLAIN_SEGMENT), false))).toBe('BAD_INPUT')
    expect(await codeOf(() => sealer.segment(0, pattern(PLAIN_SEGMENT - 1), false))).toBe('BAD_INPUT')
    expect(await codeOf(() => sealer.segment(0, pattern(PLAIN_SEGMENT + 1), true))).toBe('BAD_INPUT')
    await sealer.segment(0, pattern(PLAIN_SEGMENT), false)
    expect(await codeOf(() => sealer.segment(0, pattern(PLAIN_SEGMENT), false))).toBe('BAD_INPUT')
    await sealer.segment(1, pattern(3), true)
    expect(await codeOf(() => sealer.segment(2, pattern(3), true))).toBe('BAD_INPUT')
  })
})

test('a plain AEAD opens with its key, nonce and context alone', async () => {
  const input = { key, nonce: pattern(12), aad, plaintext: utf8('card') }
  const ciphertext = await aeadSeal(input)
  expect(await aeadOpen({ ...input, ciphertext })).toEqual(utf8('card'))
  for (const other of [{ key: anyRandom(32) }, { nonce: anyRandom(12) }, { aad: utf8('record 2') }, { ciphertext: ciphertext.subarray(1) }])
    expect(await codeOf(() => aeadOpen({ ...input, ciphertext, ...other }))).toBe('OPEN_FAILED')
  expect(await codeOf(() => aeadOpen({ ...input, ciphertext: ciphertext.subarray(0, 15) }))).toBe('OPEN_FAILED')
  expect(await codeOf(() => aeadSeal({ ...input, nonce: anyRandom(13) }))).toBe('BAD_INPUT')
})
