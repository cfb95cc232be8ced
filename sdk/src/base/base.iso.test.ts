import { describe, expect, test } from 'vitest'
import { concat, equal, fromBase64Url, fromHex, release, toBase64Url, toHex, utf8 } from './bytes.ts'
import { decode, encode } from './cbor.ts'
import { cidBytes, cidFromBytes, dagPbCid, parseCid, rawCid } from './cid.ts'
import { isKeepwellError } from './error.ts'
import { bytes, decodeAs, int, list, object, optional, string, union } from './shape.ts'
import { EPOCH_ZERO, epochEnd, epochOf, epochStart } from './time.ts'

const code = (f: () => unknown): string => {
  try {
    f()
  } catch (e) {
    return isKeepwellError(e) ? e.code : String(e)
  }
  return 'no error'
}

test('released bytes are gone from every view, and a part of others’ memory is left alone', () => {
  const whole = new Uint8Array(65_536).fill(7)
  const view = whole.subarray(10, 20)
  release(whole.subarray(0, 40_000))
  expect(view[0]).toBe(7)
  release(whole)
  expect([whole.length, view.length]).toEqual([0, 0])
})

describe('deterministic CBOR', () => {
  test('RFC 8949 Appendix A values have their published bytes', () => {
    const known: [unknown, string][] = [
      [0, '00'],
      [23, '17'],
      [24, '1818'],
      [1000000000000, '1b000000e8d4a51000'],
      [-1000, '3903e7'],
      [fromHex('01020304'), '4401020304'],
      ['IETF', '6449455446'],
      [[1, [2, 3], [4, 5]], '8301820203820405'],
      [{ a: 1, b: [2, 3] }, 'a26161016162820203'],
      [null, 'f6'],
      [true, 'f5'],
    ]
    for (const [value, hex] of known) expect(toHex(encode(value))).toBe(hex)
  })
  test('members are sorted by encoded key, whatever their order in memory', () => {
    expect(toHex(encode({ bb: 1, a: 2, c: 3 }))).toBe(toHex(encode({ c: 3, a: 2, bb: 1 })))
    expect(toHex(encode({ bb: 1, a: 2 }))).toBe('a261610262626201')
  })
  test('anything but the one deterministic form is refused', () => {
    for (const hex of ['1800', 'a2616201616101', 'a2616101616102', '9f01ff', '0000', 'fb3ff8000000000000', '62c328', ''])
      expect(
        code(() => decode(fromHex(hex))),
        hex,
      ).toBe('BAD_CBOR')
  })
  test('nesting beyond the limit is refused, not overflowed', () => {
    expect(code(() => decode(concat(new Uint8Array(5000).fill(0x81), Uint8Array.of(0))))).toBe('BAD_CBOR')
  })
})

describe('shapes', () => {
  const shape = object({ id: bytes(2), n: optional(int(0, 9)), tags: list(string(3), 2) })
  test('a value of the shape comes back typed', () => {
    const v = decodeAs(shape, encode({ id: fromHex('abcd'), tags: ['a'] }))
    expect(v.tags).toEqual(['a'])
    expect(v.n).toBeUndefined()
  })
  test('missing, surplus, too long and wrong members are refused by name', () => {
    const bad = [
      { tags: [] },
      { id: fromHex('ab'), tags: [] },
      { id: fromHex('abcd'), tags: [], x: 1 },
      { id: fromHex('abcd'), tags: ['abcd'] },
    ]
    for (const v of bad) expect(code(() => decodeAs(shape, encode(v)))).toBe('BAD_INPUT')
  })
  test('a union goes by its tag only, not by inherited names', () => {
    const u = union('kind', { a: object({ kind: string(9), x: int() }) })
    expect(u.check({ kind: 'a', x: 1 }, '')).toEqual({ kind: 'a', x: 1 })
    expect(code(() => u.check({ kind: 'constructor' }, ''))).toBe('BAD_INPUT')
  })
})

test('hex and base64url round-trip every byte value', () => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i)
  expect(fromHex(toHex(all))).toEqual(all)
  expect(fromBase64Url(toBase64Url(all))).toEqual(all)
  expect(code(() => fromHex('abc'))).toBe('BAD_INPUT')
  expect(equal(utf8('a'), utf8('b'))).toBe(false)
})

test('CIDs are the ones stock IPFS tools print', () => {
  const empty = fromHex('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(rawCid(empty)).toBe('bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku')
  expect(cidFromBytes(cidBytes(dagPbCid(empty)))).toBe(dagPbCid(empty))
  expect(parseCid(dagPbCid(empty)).codec).toBe('dag-pb')
  expect(code(() => cidBytes('bafkreihdwdcefgh4'))).toBe('BAD_CID')
  expect(code(() => cidBytes('Qmaaa'))).toBe('BAD_CID')
})

test('epochs are weeks from Monday 2024-01-01', () => {
  expect(new Date(EPOCH_ZERO * 1000).getUTCDay()).toBe(1)
  expect(epochOf(EPOCH_ZERO)).toBe(0)
  expect(epochOf(epochEnd(7) - 1)).toBe(7)
  expect(epochOf(epochEnd(7))).toBe(8)
  expect(epochStart(8)).toBe(epochEnd(7))
})
