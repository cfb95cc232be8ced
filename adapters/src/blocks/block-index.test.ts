import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { blockIndex } from './block-index.ts'

const digest = (i: number) => createHash('sha256').update(`${i}`).digest()

test('after any mixture of insertions, moves and removals the index says what a plain map says', () => {
  const index = blockIndex()
  const plain = new Map<number, number>()
  for (let step = 0, x = 1; step < 60_000; step++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0
    const i = (x >>> 8) % 7000
    if (x % 5 < 3) {
      index.set(digest(i), { segment: step, offset: i, length: 10, damaged: false })
      plain.set(i, step)
    } else {
      index.remove(digest(i))
      plain.delete(i)
    }
  }
  for (let i = 0; i < 7000; i++) expect(index.find(digest(i))?.segment).toBe(plain.get(i))
  expect(index.held()).toEqual({ blocks: plain.size, bytes: plain.size * 10 })
})

test('what is damaged is not counted, until it is put again', () => {
  const index = blockIndex()
  const place = { segment: 1, offset: 2, length: 3, damaged: false }
  index.set(digest(1), place)
  index.markDamaged(digest(1))
  index.markDamaged(digest(1))
  expect(index.find(digest(1))).toEqual({ ...place, damaged: true })
  expect(index.held()).toEqual({ blocks: 0, bytes: 0 })
  index.set(digest(1), { ...place, segment: 9 })
  expect(index.held()).toEqual({ blocks: 1, bytes: 3 })
  index.remove(digest(1))
  expect(index.held()).toEqual({ blocks: 0, bytes: 0 })
})
