import { describe, expect, test } from 'vitest'
import { byteRange } from './range.ts'
import { addressKey, rateLimiter } from './rate.ts'

describe('rate limits', () => {
  test('a burst passes, then the steady rate', () => {
    let now = 0
    const limiter = rateLimiter({ perSecond: 2, burst: 3 }, () => now)
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([0, 0, 0, 1])
    now += 500
    expect([limiter.take('a'), limiter.take('a')]).toEqual([0, 1])
    now += 60_000
    expect([1, 2, 3, 4].map(() => limiter.take('a'))).toEqual([0, 0, 0, 1])
    expect(limiter.take('b')).toBe(0)
    expect(limiter.take('c', 4)).toBeGreaterThan(0)
    expect(limiter.wait('a')).toBe(1)
  })

  test('a flood of new keys forgets the least recently used, and memory stays bounded', () => {
    const limiter = rateLimiter({ perSecond: 0.001, burst: 1 }, () => 0, 3)
    for (const key of ['a', 'b', 'c']) limiter.take(key)
    expect(limiter.take('a')).toBeGreaterThan(0)
    limiter.take('d')
    expect(limiter.take('a')).toBeGreaterThan(0)
    expect(limiter.take('b')).toBe(0)
  })

  test('an IPv6 customer is one address, however many it has', () => {
    expect(addressKey('::ffff:192.0.2.7')).toBe('192.0.2.7')
    expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2')
    expect(addressKey('2001:db8:1:2::9')).toBe('2001:db8:1:2')
    expect(addressKey('2001:db8::9')).toBe('2001:db8:0:0')
    expect(addressKey('fe80::1%eth0')).toBe('fe80:0:0:0')
    expect(addressKey('::1')).toBe('0:0:0:0')
  })
})

describe('byte ranges', () => {
  test.each([
    ['bytes=0-0', { start: 0, end: 1 }],
    ['bytes=5-', { start: 5, end: 10 }],
    ['bytes=-3', { start: 7, end: 10 }],
    ['bytes=-99', { start: 0, end: 10 }],
    ['bytes=2-99', { start: 2, end: 10 }],
    [undefined, null],
    ['bytes=0-1,3-4', null],
    ['lines=0-1', null],
    ['bytes=-', null],
  ])('%s', (header, expected) => {
    expect(byteRange(header, 10)).toEqual(expected)
  })

  test.each(['bytes=10-', 'bytes=4-3', 'bytes=-0'])('%s lies outside', header => {
    expect(() => byteRange(header, 10)).toThrow(expect.objectContaining({ code: 'BAD_RANGE' }))
  })
})
