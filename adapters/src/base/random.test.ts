import { expect, test } from 'vitest'
import { pagedRandom } from './random.ts'

test('no bytes are handed out twice, and none of them are zeros left behind', () => {
  const random = pagedRandom()
  const seen = new Set<string>()
  for (let i = 0; i < 5000; i++) {
    const bytes = random(16)
    expect(bytes.length).toBe(16)
    seen.add(Buffer.from(bytes).toString('hex'))
  }
  expect(seen.size).toBe(5000)
  expect(seen.has('00'.repeat(16))).toBe(false)
})

test('what the holder does with its bytes changes nothing for the next', () => {
  const random = pagedRandom()
  const [first, second] = [random(32), random(32)]
  const before = Buffer.from(second).toString('hex')
  first.fill(7)
  expect(Buffer.from(second).toString('hex')).toBe(before)
  expect(first.buffer).not.toBe(second.buffer)
})

test('any length is given in full', () => {
  const random = pagedRandom()
  for (const length of [0, 1, 511, 512, 513, 4096, 100_000]) {
    const bytes = random(length)
    expect(bytes.length).toBe(length)
    if (length > 100) expect(new Set(bytes).size).toBeGreaterThan(40)
  }
})
