import { join } from 'node:path'
import { expect, test } from 'vitest'
import { killed, ROUNDS } from '#base/kill.kit'
import { temporaryDirectory } from '#base/temporary.kit'
import { openFileBlocks } from './file.ts'
import { blockOf } from './kill.child.ts'

test('kill -9 at any moment loses no acknowledged block and brings no dropped one back', async () => {
  const home = temporaryDirectory()
  const dir = join(home.path, 'blocks')
  const stored = new Set<number>()
  const dropped = new Set<number>()
  for (let round = 0; round < ROUNDS; round++) {
    const file = join(import.meta.dirname, 'kill.child.ts')
    const lines = await killed({ file, args: [dir, String(round * 1_000_000)], round })
    const numbers = (sign: string) => lines.filter(l => l.startsWith(sign)).map(l => Number(l.slice(2)))
    for (const i of numbers('+')) stored.add(i)
    for (const i of numbers('?')) stored.delete(i)
    for (const i of numbers('-')) dropped.add(i)
    const store = await openFileBlocks({ dir, segmentBytes: 300_000 })
    for (const i of stored)
      expect(Buffer.compare((await store.get(blockOf(i).cid)) ?? Buffer.alloc(0), blockOf(i).bytes), `block ${i}`).toBe(0)
    for (const i of dropped) expect(await store.get(blockOf(i).cid), `dropped block ${i}`).toBeNull()
    // Every other round goes on from a clean end, the others from a crash upon a crash.
    if (round % 2 === 0) await store.put([blockOf(999_999 + round * 1_000_000)])
    await store.close()
  }
  // That something was tried: how much depends on the disk, and on who else is at it.
  expect(stored.size).toBeGreaterThan(5 * ROUNDS)
  expect(dropped.size).toBeGreaterThan(ROUNDS)
  home.remove()
})
