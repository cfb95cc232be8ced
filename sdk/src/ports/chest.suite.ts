import { afterEach, describe, expect, test } from 'vitest'
import { u32be, utf8 } from '#base/bytes'
import type { Chest, ChestRow } from './chest.ts'
import type { Fixture, MakeFixture } from './fixture.ts'

const id = (n: number) => {
  const out = new Uint8Array(16)
  out.set(u32be(n), 12)
  return out
}
const row = (n: number, at = n): ChestRow => ({ id: id(n), sealed: utf8(`head ${n}`), at })
const parts = (n: number, bytes = 10) => [
  { name: 'a', bytes: new Uint8Array(bytes).fill(n) },
  { name: 'b', bytes: new Uint8Array(bytes).fill(n + 1) },
]

/** The law of `Chest`: every adapter's test is one call to this. */
export function chestSuite(make: MakeFixture<Chest>): void {
  let fixture: Fixture<Chest>
  let chest: Chest
  const start = async () => {
    fixture = await make()
    chest = await fixture.open()
  }
  const reopen = async () => {
    await chest.close()
    chest = await fixture.open()
  }
  const numbers = async () => (await chest.all()).map(r => r.id[15])
  describe('Chest', () => {
    afterEach(async () => {
      await chest.close()
      await fixture.dispose?.()
    })

    test('what was put is there, also after a restart, in the order of use', async () => {
      await start()
      await chest.put(row(2), parts(2))
      await chest.put(row(1), parts(1))
      await chest.put(row(2, 9), parts(3))
      await reopen()
      expect(await chest.get(id(1))).toEqual(utf8('head 1'))
      expect(await chest.part(id(2), 'a')).toEqual(new Uint8Array(10).fill(3))
      expect(await chest.part(id(1), 'c')).toBeNull()
      expect(await chest.get(id(7))).toBeNull()
      expect(await numbers()).toEqual([1, 2])
      await chest.touch([id(1), id(7)], 20)
      expect(await numbers()).toEqual([2, 1])
      expect(await chest.size()).toEqual({ records: 2, bytes: 40 })
    })

    test('what was dropped is gone, its parts too', async () => {
      await start()
      await chest.put(row(1), parts(1))
      await chest.put(row(2), parts(2))
      await chest.drop([id(1), id(9)])
      await reopen()
      expect(await chest.part(id(1), 'a')).toBeNull()
      expect(await numbers()).toEqual([2])
      expect(await chest.size()).toEqual({ records: 1, bytes: 20 })
    })

    test('within its limit the least recently used make room; what is larger is not kept', async () => {
      await start()
      await chest.limit(50)
      await chest.put(row(1), parts(1))
      await chest.put(row(2), parts(2))
      await chest.touch([id(1)], 3)
      await chest.put(row(4), parts(4))
      expect(await numbers()).toEqual([1, 4])
      expect(await chest.part(id(2), 'a')).toBeNull()
      await chest.put(row(5), parts(5, 100))
      expect(await numbers()).toEqual([1, 4])
      await chest.limit(20)
      expect(await numbers()).toEqual([4])
    })
  })
}
