import { concat, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { after, type Store } from './store.ts'

/** What every store under the ledger does. */
export function storeSuite(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    let store: Store
    beforeEach(async () => {
      store = await open()
    })
    afterEach(() => store.close())
    const row = (key: string, value = key) => ({ key: utf8(key), value: utf8(value) })
    const keys = async (...range: Parameters<Store['range']>) => (await store.range(...range)).map(({ key }) => Buffer.from(key).toString())

    test('gives back what was written, the last value of each key', async () => {
      await store.write([row('b', '1'), row('a', '2')], true)
      await store.write([row('b', '3'), row('empty', '')], false)
      expect(toHex(store.get(utf8('b'))!)).toBe(toHex(utf8('3')))
      expect(store.get(utf8('empty'))).toEqual(new Uint8Array(0))
      expect(store.get(utf8('none'))).toBeUndefined()
    })

    test('ranges are half-open, ordered by bytes, limited, and reversible', async () => {
      await store.write(
        ['b1', 'b3', 'b2', 'c', 'a', 'b20'].map(key => row(key)),
        true,
      )
      expect(await keys(utf8('b'), utf8('c'), 10)).toEqual(['b1', 'b2', 'b20', 'b3'])
      expect(await keys(utf8('b2'), utf8('b3'), 10)).toEqual(['b2', 'b20'])
      expect(await keys(utf8('a'), utf8('z'), 2)).toEqual(['a', 'b1'])
      expect(await keys(utf8('a'), utf8('z'), 2, true)).toEqual(['c', 'b3'])
      expect(await keys(utf8('x'), utf8('z'), 2)).toEqual([])
      expect(await keys(utf8('b'), after(utf8('b')), 10)).toHaveLength(4)
    })

    test('keys are bytes, not text', async () => {
      const key = concat(utf8('b'), Uint8Array.of(0, 255, 128, 0))
      await store.write([{ key, value: Uint8Array.of(0, 200) }], true)
      expect(store.get(key)).toEqual(Uint8Array.of(0, 200))
      expect((await store.range(utf8('b'), utf8('c'), 1))[0]!.key).toEqual(Uint8Array.from(key))
      expect(after(Uint8Array.of(1, 255))).toEqual(Uint8Array.of(2))
    })

    test('reviving a sound store keeps everything', async () => {
      await store.write([row('k')], true)
      await store.revive()
      expect(store.get(utf8('k'))).toBeDefined()
      await store.write([row('l')], true)
    })
  })
}
