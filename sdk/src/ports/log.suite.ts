import { sha256 } from '@noble/hashes/sha2.js'
import { afterEach, describe, expect, test } from 'vitest'
import { concat, toHex, utf8 } from '#base/bytes'
import type { Fixture, MakeFixture } from './fixture.ts'
import type { Log } from './log.ts'

const leaf = (i: number | string) => sha256(concat(Uint8Array.of(0), utf8(`leaf ${i}`)))
const leaves = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => leaf(from + i))

/** RFC 9162 §2.1.1, straight from its text: the perfect subtree of `2^level` leaves from `index · 2^level` on. */
function expected(level: number, index: number): Uint8Array {
  if (level === 0) return leaf(index)
  return sha256(concat(Uint8Array.of(1), expected(level - 1, 2 * index), expected(level - 1, 2 * index + 1)))
}

/** The law of `Log`: every adapter's test is one call to this. */
export function logSuite(make: MakeFixture<Log>): void {
  let fixture: Fixture<Log>
  let log: Log
  const start = async () => {
    fixture = await make()
    log = await fixture.open()
  }
  const reopen = async () => {
    await log.close()
    log = await fixture.open()
  }
  const checkNodes = async (size: number) => {
    expect(await log.size()).toBe(size)
    for (let level = 0; 2 ** level <= size + 1; level++) {
      const complete = Math.floor(size / 2 ** level)
      for (let i = 0; i < complete; i++)
        expect(toHex((await log.node(level, i)) ?? utf8('')), `${level},${i}`).toBe(toHex(expected(level, i)))
      expect(await log.node(level, complete), `${level},${complete} is not complete`).toBeNull()
    }
  }
  describe('Log', () => {
    afterEach(async () => {
      await log.close()
      await fixture.dispose?.()
    })

    test('an empty log has no nodes', async () => {
      await start()
      await checkNodes(0)
      expect(await log.find(leaf(0))).toBeNull()
      expect(await log.append([])).toBe(0)
    })

    test('append gives the index of the first leaf, and every complete subtree has its RFC 9162 hash', async () => {
      await start()
      let size = 0
      for (const n of [1, 1, 2, 3, 0, 7, 1, 16, 13]) {
        expect(await log.append(leaves(size, size + n))).toBe(size)
        size += n
        await checkNodes(size)
      }
    })

    test('every size up to 40, one leaf at a time', async () => {
      await start()
      for (let i = 0; i < 40; i++) {
        expect(await log.append([leaf(i)])).toBe(i)
        await checkNodes(i + 1)
      }
    })

    test('levels and indices that cannot be are null', async () => {
      await start()
      await log.append(leaves(0, 4))
      for (const [level, index] of [
        [-1, 0],
        [0, -1],
        [0.5, 0],
        [3, 0],
        [60, 0],
        [0, 4],
        [0, 2 ** 50],
      ] as const)
        expect(await log.node(level, index)).toBeNull()
    })

    test('a leaf is found by its hash; twice appended, the first counts', async () => {
      await start()
      await log.append([leaf('a'), leaf('b'), leaf('a')])
      await log.append([leaf('c'), leaf('b')])
      expect(await log.find(leaf('a'))).toBe(0)
      expect(await log.find(leaf('b'))).toBe(1)
      expect(await log.find(leaf('c'))).toBe(3)
      expect(await log.find(leaf('z'))).toBeNull()
      const inner = await log.node(1, 0)
      expect(await log.find(inner ?? utf8('')), 'an inner node is not a leaf').toBeNull()
    })

    test('a leaf that is not 32 bytes is refused, and nothing of that call is appended', async () => {
      await start()
      await expect(log.append([leaf(0), new Uint8Array(31)])).rejects.toMatchObject({ code: 'BAD_INPUT' })
      expect(await log.size()).toBe(0)
      expect(await log.find(leaf(0))).toBeNull()
    })

    test('concurrent appends are serialised: leaves of one call are adjacent and every index is given once', async () => {
      await start()
      const batches = Array.from({ length: 40 }, (_, i) => Array.from({ length: 1 + (i % 4) }, (_, j) => leaf(`${i}.${j}`)))
      const starts = await Promise.all(batches.map(batch => log.append(batch)))
      expect(await log.size()).toBe(100)
      for (const [i, batch] of batches.entries())
        for (const [j, hash] of batch.entries()) expect(await log.node(0, starts[i]! + j)).toEqual(hash)
      const left = (await log.node(0, 62))!
      const right = (await log.node(0, 63))!
      expect(await log.node(1, 31)).toEqual(sha256(concat(Uint8Array.of(1), left, right)))
    })

    test('everything acknowledged is there after a restart, and the log goes on where it was', async () => {
      await start()
      await log.append(leaves(0, 11))
      await reopen()
      await checkNodes(11)
      expect(await log.find(leaf(7))).toBe(7)
      expect(await log.append(leaves(11, 21))).toBe(11)
      await reopen()
      await checkNodes(21)
    })

    test('many leaves in one call', async () => {
      await start()
      expect(await log.append(leaves(0, 3000))).toBe(0)
      expect(await log.size()).toBe(3000)
      expect(await log.node(11, 0)).toEqual(expected(11, 0))
      expect(await log.node(11, 1)).toBeNull()
    })
  })
}
