import { expect, test } from 'vitest'
import { drillMany } from './drilled.kit.ts'

const COUNT = process.env.KEEPWELL_DEEP ? 1000 : 20

test(`${COUNT} vaults drilled: an institution away, altered shares named, and the vaults that lost everything brought back`, {
  timeout: COUNT * 10_000,
}, async () => {
  const tamperEvery = 5
  const d = await drillMany({ vaults: COUNT, recoverEvery: COUNT > 100 ? 20 : 4, tamperEvery }, () => 0)
  const altered = COUNT / tamperEvery
  expect(d.proved).toBe(2 * COUNT - altered)
  expect(d.disproved).toEqual(Array.from({ length: altered }, (_, i) => `Patient ${i * tamperEvery + 1}: Institution ${(i % 2) + 1}`))
  expect(d.silent).toBe(COUNT)
  expect(d.named).toEqual(d.expectedNamed)
  expect(d.named.length).toBeGreaterThan(0)
  // Two of three, one of them altered: the round does not begin before the third is there.
  expect(d.refused).toBe(d.named.length)
  expect(d.back).toBe(d.lost)
  expect(d.lost).toBeGreaterThan(COUNT / 20)
  // What an institution sends and fetches for one share does not grow with those it holds.
  expect(d.bytesToHold).toBeLessThan(1 << 20)
})
