import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { killed, ROUNDS } from '#base/kill.kit'
import { temporaryDirectory } from '#base/temporary.kit'
import { leafOf } from './kill.child.ts'
import { openSqliteLog } from './sqlite.ts'

test('kill -9 at any moment loses no acknowledged leaf, moves none, and leaves the tree whole', async () => {
  const home = temporaryDirectory()
  const file = join(home.path, 'log.db')
  const promised = new Map<number, number>()
  for (let round = 0; round < ROUNDS; round++) {
    const child = join(import.meta.dirname, 'kill.child.ts')
    for (const line of await killed({ file: child, args: [file, String(round * 1_000_000)], round })) {
      const [index, ...numbers] = line.split(' ').map(Number)
      for (const [i, n] of numbers.entries()) promised.set(index! + i, n)
    }
    const log = await openSqliteLog({ file })
    const size = await log.size()
    for (const [index, n] of promised) {
      expect(await log.node(0, index)).toEqual(leafOf(n))
      expect(await log.find(leafOf(n))).toBe(index)
    }
    for (let level = 1; 2 ** level <= size; level++)
      for (let i = 0; i < Math.floor(size / 2 ** level); i++) {
        const hash = createHash('sha256').update(Uint8Array.of(1))
        for (const child of [2 * i, 2 * i + 1]) hash.update((await log.node(level - 1, child))!)
        expect(await log.node(level, i)).toEqual(new Uint8Array(hash.digest()))
      }
    await log.close()
  }
  expect(promised.size).toBeGreaterThan(20 * ROUNDS)
  home.remove()
})
