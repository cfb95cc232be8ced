import { concat } from '@keepwell/sdk/base/bytes'
import { catalogSuite } from '@keepwell/sdk/ports/catalog.suite'
import { describe, expect, test } from 'vitest'
import { deleteDatabase, openIndexedDbCatalog } from './indexeddb.ts'

const id = (n: number): Uint8Array => new Uint8Array(16).fill(n)
const row = (n: number, text = n) => ({ id: id(n), sealed: new Uint8Array([text]) })

// Node has no IndexedDB; the browser run has.
if (typeof indexedDB === 'undefined') describe('IndexedDB catalog', () => test.skip('needs a browser', () => {}))
else {
  catalogSuite(async () => {
    const name = `catalog-test-${crypto.randomUUID()}`
    return { open: () => openIndexedDbCatalog({ name }), dispose: () => deleteDatabase(name) }
  })

  describe('IndexedDB catalog, packed', () => {
    const named = async (work: (open: () => ReturnType<typeof openIndexedDbCatalog>) => Promise<void>): Promise<void> => {
      const name = `catalog-test-${crypto.randomUUID()}`
      const opened: Awaited<ReturnType<typeof openIndexedDbCatalog>>[] = []
      try {
        await work(async () => {
          const catalog = await openIndexedDbCatalog({ name })
          opened.push(catalog)
          return catalog
        })
      } finally {
        for (const catalog of opened) await catalog.close()
        await deleteDatabase(name)
      }
    }
    const read = async (catalog: Awaited<ReturnType<typeof openIndexedDbCatalog>>) => {
      const found = await catalog.packed()
      if (!found) return null
      const packs: Uint8Array[] = []
      for await (const pack of found.packs) packs.push(pack)
      return { packs: [...concat(...packs)].sort(), changed: found.changed.map(r => r.sealed[0]) }
    }

    test('packs come back, and with them the rows noted since', () =>
      named(async open => {
        const catalog = await open()
        await catalog.note([row(1), row(2)])
        expect(await read(catalog)).toBe(null)
        expect(await catalog.unpacked()).toBe(2)
        await catalog.packing()([new Uint8Array([1]), new Uint8Array([2])])
        expect(await catalog.unpacked()).toBe(0)
        await catalog.note([row(2, 7), row(3)])
        await catalog.note([row(2, 8)])
        expect(await read(await open())).toEqual({ packs: [1, 2], changed: [8, 3] })
        expect(await catalog.unpacked()).toBe(3)
      }))

    test('what is noted while packs are made still counts as changed', () =>
      named(async open => {
        const catalog = await open()
        await catalog.note([row(1)])
        const pack = catalog.packing()
        await catalog.note([row(1, 9)])
        await pack([new Uint8Array([1])])
        expect(await read(catalog)).toEqual({ packs: [1], changed: [9] })
      }))

    test('what another holder noted is not taken for packed', () =>
      named(async open => {
        const [one, other] = [await open(), await open()]
        await one.note([row(1)])
        await other.note([row(2)])
        await one.packing()([new Uint8Array([1])])
        expect(await read(one)).toEqual({ packs: [1], changed: [2] })
      }))

    test('what is dropped is in no pack', () =>
      named(async open => {
        const catalog = await open()
        await catalog.note([row(1), row(2)])
        await catalog.packing()([new Uint8Array([1])])
        await catalog.drop([id(1)])
        expect(await read(catalog)).toBe(null)
        expect(await catalog.unpacked()).toBe(1)
      }))

    test('reading packs that are replaced meanwhile fails rather than mixing', () =>
      named(async open => {
        const catalog = await open()
        await catalog.note([row(1)])
        await catalog.packing()([new Uint8Array([1]), new Uint8Array([2]), new Uint8Array([3])])
        const found = await catalog.packed()
        const packs = found!.packs[Symbol.asyncIterator]()
        await packs.next()
        await catalog.packing()([new Uint8Array([4])])
        await expect(packs.next().then(() => packs.next())).rejects.toMatchObject({ code: 'STORAGE_FAILED' })
      }))
  })
}
