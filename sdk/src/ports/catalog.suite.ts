import { afterEach, describe, expect, test } from 'vitest'
import { toHex, u32be, utf8 } from '#base/bytes'
import type { Catalog, CatalogRow } from './catalog.ts'
import type { Fixture, MakeFixture } from './fixture.ts'

const id = (n: number) => {
  const out = new Uint8Array(16)
  out.set(u32be(n), 12)
  return out
}
const row = (n: number, sealed = `sealed ${n}`): CatalogRow => ({ id: id(n), sealed: utf8(sealed) })

/** The law of `Catalog`: every adapter's test is one call to this. */
export function catalogSuite(make: MakeFixture<Catalog>): void {
  let fixture: Fixture<Catalog>
  let catalog: Catalog
  const start = async () => {
    fixture = await make()
    catalog = await fixture.open()
  }
  const reopen = async () => {
    await catalog.close()
    catalog = await fixture.open()
  }
  const all = async () => {
    const rows: CatalogRow[] = []
    for await (const r of catalog.all()) rows.push(r)
    return rows.sort((a, b) => (toHex(a.id) < toHex(b.id) ? -1 : 1))
  }
  describe('Catalog', () => {
    afterEach(async () => {
      await catalog.close()
      await fixture.dispose?.()
    })

    test('noted rows are there, one by one and all together, also after a restart', async () => {
      await start()
      await catalog.note([row(1), row(2)])
      await catalog.note([row(3), row(1, 'again')])
      await reopen()
      expect(await catalog.get(id(1))).toEqual(utf8('again'))
      expect(await catalog.get(id(9))).toBeNull()
      expect(await all()).toEqual([row(1, 'again'), row(2), row(3)])
    })

    test('dropped rows are gone; unknown ids are ignored', async () => {
      await start()
      await catalog.note([row(1), row(2)])
      await catalog.drop([id(1), id(7)])
      await reopen()
      expect(await all()).toEqual([row(2)])
    })

    test('all yields every row of many, also when rows are noted and dropped meanwhile', async () => {
      await start()
      await catalog.note(Array.from({ length: 2500 }, (_, i) => row(i)))
      const seen = new Set<string>()
      for await (const r of catalog.all()) {
        if (seen.size === 5) await catalog.note([row(9999)])
        if (seen.size === 6) await catalog.drop([id(2499)])
        seen.add(toHex(r.id))
      }
      for (let i = 0; i < 2499; i++) expect(seen.has(toHex(id(i)))).toBe(true)
    })

    test('marks keep small named values', async () => {
      await start()
      await catalog.mark('cursor', utf8('1'))
      await catalog.mark('cursor', utf8('2'))
      await catalog.mark('other', utf8(''))
      await reopen()
      expect(await catalog.marked('cursor')).toEqual(utf8('2'))
      expect(await catalog.marked('other')).toEqual(utf8(''))
      expect(await catalog.marked('none')).toBeNull()
    })

    test('an id that is not 16 bytes is refused, and nothing of that call is kept', async () => {
      await start()
      await expect(catalog.note([row(1), { id: utf8('short'), sealed: utf8('') }])).rejects.toMatchObject({ code: 'BAD_INPUT' })
      expect(await all()).toEqual([])
    })

    test('clear forgets rows and marks', async () => {
      await start()
      await catalog.note([row(1)])
      await catalog.mark('cursor', utf8('1'))
      await catalog.clear()
      await reopen()
      expect(await all()).toEqual([])
      expect(await catalog.marked('cursor')).toBeNull()
    })

    test('concurrent notes all arrive', async () => {
      await start()
      await Promise.all(Array.from({ length: 50 }, (_, i) => catalog.note([row(i), row(i + 100)])))
      expect(await all()).toHaveLength(100)
    })
  })
}
