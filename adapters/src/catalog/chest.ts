import type { Chest, ChestRow } from '@keepwell/sdk/ports/chest'
import { answer, openDatabase, read, write } from './indexeddb.ts'

type Stored = ChestRow & { readonly bytes: number }
type StoredPart = { readonly id: Uint8Array; readonly name: string; readonly bytes: Uint8Array }

const key = (id: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(id)
/** Everything of one record: in the order of keys, an array is above every text. */
const partsOf = (id: Uint8Array): IDBKeyRange => IDBKeyRange.bound([key(id)], [key(id), []])

/** A chest in the browser's IndexedDB. */
export async function openIndexedDbChest(input: { readonly name: string }): Promise<Chest> {
  const db = await openDatabase(input.name, fresh => {
    fresh.createObjectStore('rows', { keyPath: 'id' }).createIndex('at', 'at')
    fresh.createObjectStore('parts', { keyPath: ['id', 'name'] })
  })
  let most = Number.POSITIVE_INFINITY
  const rows = (): Promise<Stored[]> => read(db, 'rows', s => s.index('at').getAll() as IDBRequest<Stored[]>)
  const drop = (ids: readonly Uint8Array[]): Promise<void> =>
    write(db, ['rows', 'parts'], store => {
      for (const id of ids) {
        store('rows').delete(key(id))
        store('parts').delete(partsOf(id))
      }
    })
  async function makeRoom(): Promise<void> {
    if (most === Number.POSITIVE_INFINITY) return
    const all = await rows()
    let total = all.reduce((n, r) => n + r.bytes, 0)
    const going: Uint8Array[] = []
    for (const row of all) {
      if (total <= most) break
      going.push(row.id)
      total -= row.bytes
    }
    if (going.length) await drop(going)
  }
  return {
    async put({ id, sealed, at }, parts) {
      const bytes = parts.reduce((n, p) => n + p.bytes.length, 0)
      if (bytes > most) return
      await write(db, ['rows', 'parts'], store => {
        store('parts').delete(partsOf(id))
        store('rows').put({ id: key(id), sealed: new Uint8Array(sealed), at, bytes } satisfies Stored)
        for (const p of parts) store('parts').put({ id: key(id), name: p.name, bytes: new Uint8Array(p.bytes) } satisfies StoredPart)
      })
      await makeRoom()
    },
    get: async id => ((await read(db, 'rows', s => s.get(key(id)))) as Stored | undefined)?.sealed ?? null,
    part: async (id, name) => ((await read(db, 'parts', s => s.get([key(id), name]))) as StoredPart | undefined)?.bytes ?? null,
    async touch(ids, at) {
      const store = db.transaction('rows', 'readwrite').objectStore('rows')
      for (const id of ids) {
        const found = (await answer(store.get(key(id)))) as Stored | undefined
        if (found) await answer(store.put({ ...found, at }))
      }
    },
    drop,
    all: rows,
    async size() {
      const all = await rows()
      return { records: all.length, bytes: all.reduce((n, r) => n + r.bytes, 0) }
    },
    async limit(bytes) {
      most = bytes
      await makeRoom()
    },
    async close() {
      db.close()
    },
  }
}
