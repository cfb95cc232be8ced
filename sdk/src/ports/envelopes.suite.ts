import { afterEach, describe, expect, test } from 'vitest'
import { compare, concat, fromHex, text, toHex, u32be, utf8 } from '#base/bytes'
import type { EnvelopeStore, Row, Rows, ShredKeys } from './envelopes.ts'
import type { Fixture, MakeFixture } from './fixture.ts'

const row = (key: string, value = `value of ${key}`): Row => ({ key: utf8(key), value: utf8(value) })
const keysOf = (rows: readonly Row[]) => rows.map(r => text(r.key))

/** The law of `EnvelopeStore`: every adapter's test is one call to this. */
export function envelopeStoreSuite(make: MakeFixture<EnvelopeStore>): void {
  let fixture: Fixture<EnvelopeStore>
  let store: EnvelopeStore
  const start = async () => {
    fixture = await make()
    store = await fixture.open()
  }
  const reopen = async () => {
    await store.close()
    store = await fixture.open()
  }
  const put = (vault: string, ...rows: Row[]) => store.transact(vault, t => t.put('k', rows))
  const get = (vault: string, key: string, kind = 'k') => store.read(vault, t => t.get(kind, utf8(key)))
  const all = (vault: string, kind = 'k') => store.read(vault, t => t.scan(kind, { limit: 1000 }))
  describe('EnvelopeStore', () => {
    afterEach(async () => {
      await store.close()
      await fixture.dispose?.()
    })

    test('what a transaction put is read afterwards, by vault and kind', async () => {
      await start()
      const result = await store.transact('alice', async t => {
        await t.put('envelope', [row('1', 'a'), row('2', 'b')])
        await t.put('receipt', [row('1', 'c')])
        return 'done'
      })
      expect(result).toBe('done')
      expect(await get('alice', '1', 'envelope')).toEqual(utf8('a'))
      expect(await get('alice', '1', 'receipt')).toEqual(utf8('c'))
      expect(await get('alice', '2', 'receipt')).toBeNull()
      expect(await get('bob', '1', 'envelope')).toBeNull()
      expect(await get('', '1', 'envelope')).toBeNull()
    })

    test('a transaction sees its own writes, replacements and deletions', async () => {
      await start()
      await put('v', row('a', 'old'), row('b'))
      await store.transact('v', async t => {
        await t.put('k', [row('a', 'new'), row('c'), row('c', 'last of a call wins')])
        await t.delete('k', [utf8('b'), utf8('never there')])
        expect(await t.get('k', utf8('a'))).toEqual(utf8('new'))
        expect(keysOf(await t.scan('k', { limit: 10 }))).toEqual(['a', 'c'])
        expect(await t.count('k')).toBe(2)
      })
      expect(await all('v')).toEqual([row('a', 'new'), row('c', 'last of a call wins')])
    })

    test('when the work throws, none of its writes happened', async () => {
      await start()
      await put('v', row('a', 'before'))
      const failing = store.transact('v', async t => {
        await t.put('k', [row('a', 'after'), row('b')])
        await t.delete('k', [utf8('a')])
        throw new RangeError('changed my mind')
      })
      await expect(failing).rejects.toThrow(RangeError)
      expect(await all('v')).toEqual([row('a', 'before')])
      await put('v', row('z'))
      await reopen()
      expect(keysOf(await all('v'))).toEqual(['a', 'z'])
    })

    test('one failing transaction among many concurrent ones takes none of the others with it', async () => {
      await start()
      const runs = await Promise.allSettled(
        Array.from({ length: 40 }, (_, i) =>
          store.transact(`v${i % 4}`, async t => {
            await t.put('k', [row(`${i}`)])
            if (i % 5 === 0) throw new RangeError('no')
          }),
        ),
      )
      expect(runs.filter(r => r.status === 'rejected')).toHaveLength(8)
      for (let i = 0; i < 40; i++) expect((await get(`v${i % 4}`, `${i}`)) !== null, `row ${i}`).toBe(i % 5 !== 0)
    })

    test('keys are ordered by bytes, not by letters or length', async () => {
      await start()
      const keys = ['', '00', '0000', '0001', '7f', '80', '80ff', 'c3a9', 'ff', 'ff00', 'ffff'].map(fromHex)
      await store.transact('v', t =>
        t.put(
          'k',
          [...keys].reverse().map(key => ({ key, value: key })),
        ),
      )
      const rows = await all('v')
      expect(rows.map(r => toHex(r.key))).toEqual([...keys].sort(compare).map(toHex))
      for (const { key, value } of rows) expect(value).toEqual(key)
    })

    test('a scan takes a prefix, a start after a key, and a limit', async () => {
      await start()
      const keys = ['a', 'a0', 'a1', 'a2', 'ab', 'b', 'b0']
      await put('v', ...keys.map(k => row(k)))
      const scan = (prefix: string | undefined, after: string | undefined, limit: number) =>
        store.read('v', async t =>
          keysOf(
            await t.scan('k', {
              limit,
              ...(prefix !== undefined && { prefix: utf8(prefix) }),
              ...(after !== undefined && { after: utf8(after) }),
            }),
          ),
        )
      expect(await scan('a', undefined, 10)).toEqual(['a', 'a0', 'a1', 'a2', 'ab'])
      expect(await scan('a', undefined, 2)).toEqual(['a', 'a0'])
      expect(await scan('a', 'a0', 10)).toEqual(['a1', 'a2', 'ab'])
      expect(await scan('a', 'a0z', 10)).toEqual(['a1', 'a2', 'ab'])
      expect(await scan('a', 'b', 10)).toEqual([])
      expect(await scan('b', 'a', 10)).toEqual(['b', 'b0'])
      expect(await scan(undefined, 'ab', 10)).toEqual(['b', 'b0'])
      expect(await scan('', undefined, 10)).toEqual(keys)
      expect(await scan('x', undefined, 10)).toEqual([])
      expect(await scan('a', undefined, 0)).toEqual([])
    })

    test('prefixes of 0xff bytes have no end before the last key', async () => {
      await start()
      const keys = ['fe', 'feff', 'ff', 'ff00', 'ffff', 'ffffff01'].map(fromHex)
      await store.transact('v', t =>
        t.put(
          'k',
          keys.map(key => ({ key, value: key })),
        ),
      )
      const scan = (prefix: string) =>
        store.read('v', async t => (await t.scan('k', { prefix: fromHex(prefix), limit: 10 })).map(r => toHex(r.key)))
      expect(await scan('ff')).toEqual(['ff', 'ff00', 'ffff', 'ffffff01'])
      expect(await scan('ffff')).toEqual(['ffff', 'ffffff01'])
      expect(await scan('fe')).toEqual(['fe', 'feff'])
      expect(await scan('feff')).toEqual(['feff'])
    })

    test('paging by the last key visits every row once', async () => {
      await start()
      await store.transact('v', t =>
        t.put(
          'k',
          Array.from({ length: 250 }, (_, i) => ({ key: u32be(i), value: u32be(i) })),
        ),
      )
      const seen: string[] = []
      for (let after: Uint8Array | undefined; ; ) {
        const page = await store.read('v', t => t.scan('k', { limit: 30, ...(after && { after }) }))
        seen.push(...page.map(r => toHex(r.key)))
        after = page.at(-1)?.key
        if (!after) break
      }
      expect(seen).toEqual(Array.from({ length: 250 }, (_, i) => toHex(u32be(i))))
    })

    test('count counts a kind or a prefix of it', async () => {
      await start()
      await put('v', row('a'), row('ab'), row('b'))
      await put('w', row('a'))
      expect(await store.read('v', t => t.count('k'))).toBe(3)
      expect(await store.read('v', t => t.count('k', utf8('a')))).toBe(2)
      expect(await store.read('v', t => t.count('other'))).toBe(0)
    })

    test('transactions of one vault run one after the other: no update is lost', async () => {
      await start()
      const increment = () =>
        store.transact('v', async t => {
          const before = await t.get('k', utf8('counter'))
          const next = before ? Number(text(before)) + 1 : 1
          await t.put('k', [row('counter', String(next))])
          return next
        })
      const seen = await Promise.all(Array.from({ length: 50 }, increment))
      expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
      expect(await get('v', 'counter')).toEqual(utf8('50'))
    })

    test('a read sees one snapshot, whatever is written meanwhile', async () => {
      await start()
      await put('v', row('a', '0'), row('b', '0'))
      const seen = await store.read('v', async t => {
        const a = await t.get('k', utf8('a'))
        await put('v', row('a', '1'), row('b', '1'), row('c', '1'))
        const b = await t.get('k', utf8('b'))
        return [a, b, await t.count('k')]
      })
      expect(seen).toEqual([utf8('0'), utf8('0'), 2])
      expect(await get('v', 'b')).toEqual(utf8('1'))
    })

    test('reads run while other reads run', async () => {
      await start()
      await put('v', ...Array.from({ length: 20 }, (_, i) => row(`${i}`)))
      const got = await Promise.all(Array.from({ length: 20 }, (_, i) => get('v', `${i}`)))
      expect(got).toEqual(Array.from({ length: 20 }, (_, i) => utf8(`value of ${i}`)))
    })

    test('no reader ever sees half a transaction', async () => {
      await start()
      await put('v', row('a', '0'), row('b', '0'))
      const writers = Array.from({ length: 20 }, (_, i) =>
        store.transact('v', async t => {
          await t.put('k', [row('a', `${i}`)])
          await t.put('k', [row('b', `${i}`)])
        }),
      )
      const readers = Array.from({ length: 20 }, async () => {
        const rows = await all('v')
        expect(rows[0]?.value).toEqual(rows[1]?.value)
      })
      await Promise.all([...writers, ...readers])
    })

    test('rows used after their transaction ended are refused', async () => {
      await start()
      let leaked: Rows | undefined
      await store.transact('v', async t => {
        leaked = t
      })
      await expect(leaked!.put('k', [row('late')])).rejects.toMatchObject({ code: 'DEFECT' })
      expect(await get('v', 'late')).toBeNull()
    })

    test('vaults lists the vaults that have rows of the kind', async () => {
      await start()
      for (const vault of ['', 'did:ethr:0x01', 'Zoë', 'zoe', '日本']) await put(vault, row('a'))
      await store.transact('elsewhere', t => t.put('other', [row('a')]))
      await store.transact('zoe', t => t.delete('k', [utf8('a')]))
      expect((await store.vaults('k')).sort()).toEqual(['', 'Zoë', 'did:ethr:0x01', '日本'].sort())
      expect(await store.vaults('other')).toEqual(['elsewhere'])
      expect(await store.vaults('none')).toEqual([])
    })

    test('limits of names, keys and values are enforced, and what reaches them is kept', async () => {
      await start()
      const value = new Uint8Array(4 << 20).fill(7)
      const key = new Uint8Array(128).fill(255)
      const vault = 'v'.repeat(120)
      await store.transact(vault, t => t.put('k', [{ key, value }]))
      const got = await store.read(vault, t => t.get('k', key))
      expect(got !== null && compare(got, value) === 0).toBe(true)
      const refused = async (v: string, k: Uint8Array, bytes: Uint8Array, kind = 'k') =>
        expect(store.transact(v, t => t.put(kind, [row('fine'), { key: k, value: bytes }]))).rejects
      await (await refused('w', new Uint8Array(129), utf8(''))).toMatchObject({ code: 'TOO_LARGE' })
      await (await refused('w', utf8(''), new Uint8Array((4 << 20) + 1))).toMatchObject({ code: 'TOO_LARGE' })
      await (await refused(`${vault}v`, utf8(''), utf8(''))).toMatchObject({ code: 'BAD_INPUT' })
      await (await refused('nul \0', utf8(''), utf8(''))).toMatchObject({ code: 'BAD_INPUT' })
      await (await refused('w', utf8(''), utf8(''), '')).toMatchObject({ code: 'BAD_INPUT' })
      expect(await all('w')).toEqual([])
    })

    test('everything acknowledged is there after a restart', async () => {
      await start()
      for (let i = 0; i < 5; i++)
        await store.transact(`v${i}`, t =>
          t.put(
            'k',
            Array.from({ length: 100 }, (_, j) => ({ key: u32be(j), value: concat(u32be(i), u32be(j)) })),
          ),
        )
      await store.transact('v0', t => t.delete('k', [u32be(3)]))
      await reopen()
      expect(await store.read('v0', t => t.count('k'))).toBe(99)
      for (let i = 1; i < 5; i++) expect(await store.read(`v${i}`, t => t.get('k', u32be(99)))).toEqual(concat(u32be(i), u32be(99)))
    })

    test.each(['Uint8Array', 'Buffer'])('a caller that changes its %s afterwards changes nothing here', async kind => {
      await start()
      const bytes = (s: string) => (kind === 'Buffer' && globalThis.Buffer ? globalThis.Buffer.from(utf8(s)) : utf8(s))
      const [key, value] = [bytes('key'), bytes('value')]
      await put('v', { key, value })
      key.fill(0)
      value.fill(0)
      expect(await all('v')).toEqual([row('key', 'value')])
    })

    test('a transaction of a thousand rows', async () => {
      await start()
      const rows = Array.from({ length: 1000 }, (_, i) => ({ key: u32be(i * 7919), value: new Uint8Array(300).fill(i) }))
      await store.transact('v', t => t.put('k', rows))
      await store.transact('v', t =>
        t.delete(
          'k',
          rows.filter((_, i) => i % 2).map(r => r.key),
        ),
      )
      expect(await store.read('v', t => t.count('k'))).toBe(500)
    })
  })
}

/** The law of `ShredKeys`. */
export function shredKeysSuite(make: MakeFixture<ShredKeys>): void {
  let fixture: Fixture<ShredKeys>
  let keys: ShredKeys
  const start = async () => {
    fixture = await make()
    keys = await fixture.open()
  }
  const key = (fill: number) => new Uint8Array(32).fill(fill)
  describe('ShredKeys', () => {
    afterEach(async () => {
      await fixture.dispose?.()
    })

    test('a key is given back by its name alone, also after a restart', async () => {
      await start()
      await keys.put('bucket/1', key(1))
      await keys.put('Bucket/1', key(2))
      await keys.put('../../日本 :*?', key(3))
      keys = await fixture.open()
      expect(await keys.get('bucket/1')).toEqual(key(1))
      expect(await keys.get('Bucket/1')).toEqual(key(2))
      expect(await keys.get('../../日本 :*?')).toEqual(key(3))
      expect(await keys.get('bucket/2')).toBeNull()
    })

    test('a replaced key is the new one', async () => {
      await start()
      await keys.put('a', key(1))
      await keys.put('a', new Uint8Array(64).fill(2))
      keys = await fixture.open()
      expect(await keys.get('a')).toEqual(new Uint8Array(64).fill(2))
    })

    test('a destroyed key is null for ever; destroying what is not there is a no-op', async () => {
      await start()
      await keys.put('a', key(1))
      await keys.put('b', key(2))
      await keys.destroy('a')
      await keys.destroy('a')
      await keys.destroy('never')
      expect(await keys.get('a')).toBeNull()
      keys = await fixture.open()
      expect(await keys.get('a')).toBeNull()
      expect(await keys.get('b')).toEqual(key(2))
    })

    test('a caller that wipes its copy does not wipe the kept one', async () => {
      await start()
      const mine = key(5)
      await keys.put('a', mine)
      mine.fill(0)
      ;(await keys.get('a'))?.fill(0)
      expect(await keys.get('a')).toEqual(key(5))
    })

    test('concurrent calls for one name end in one whole key', async () => {
      await start()
      await Promise.all(Array.from({ length: 20 }, (_, i) => keys.put('a', key(i + 1))))
      const last = await keys.get('a')
      expect(new Set(last)).toHaveProperty('size', 1)
      await Promise.all([keys.put('a', key(9)), keys.destroy('a')])
      keys = await fixture.open()
      expect(await keys.get('a')).toBeNull()
    })

    test('names and keys outside the limits are refused', async () => {
      await start()
      await expect(keys.put('', key(1))).rejects.toMatchObject({ code: 'BAD_INPUT' })
      await expect(keys.put('n'.repeat(121), key(1))).rejects.toMatchObject({ code: 'BAD_INPUT' })
      await expect(keys.put('a', new Uint8Array(4097))).rejects.toMatchObject({ code: 'TOO_LARGE' })
      await expect(keys.put('a', new Uint8Array(0))).rejects.toMatchObject({ code: 'TOO_LARGE' })
      await keys.put('n'.repeat(120), key(1))
      expect(await keys.get('n'.repeat(120))).toEqual(key(1))
    })
  })
}
