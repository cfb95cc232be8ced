import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Catalog } from '@keepwell/sdk/ports/catalog'
import { checkRecordId } from '@keepwell/sdk/ports/limits'

const PAGE_ROWS = 500

/** Opens a browser database; `make` creates the object stores of a new one. Throws STORAGE_FAILED. */
export async function openDatabase(name: string, make: (db: IDBDatabase) => void): Promise<IDBDatabase> {
  const opening = indexedDB.open(name, 1)
  opening.onupgradeneeded = () => make(opening.result)
  const db = await answer(opening)
  // Another tab that deletes the database must not wait for this one.
  db.onversionchange = () => db.close()
  return db
}

/** Deletes a browser database with everything in it. */
export const deleteDatabase = async (name: string): Promise<void> => void (await answer(indexedDB.deleteDatabase(name)))

/** One request's result as a promise. */
export function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(failure(request.error))
  })
}

/** Writes in one transaction; durable when it resolves, nothing kept when it throws. */
export function write(db: IDBDatabase, stores: readonly string[], work: (store: (name: string) => IDBObjectStore) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    try {
      const transaction = db.transaction(stores, 'readwrite', { durability: 'strict' })
      transaction.oncomplete = () => resolve()
      transaction.onabort = () => reject(failure(transaction.error))
      work(name => transaction.objectStore(name))
    } catch (cause) {
      reject(failure(cause))
    }
  })
}

export function read<T>(db: IDBDatabase, store: string, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  try {
    return answer(work(db.transaction(store, 'readonly').objectStore(store)))
  } catch (cause) {
    return Promise.reject(failure(cause))
  }
}

function failure(cause: unknown): KeepwellError {
  const full = (cause as { name?: unknown } | null)?.name === 'QuotaExceededError'
  return full
    ? new KeepwellError('STORAGE_FULL', 'The browser gives this site no more space.', { cause })
    : new KeepwellError('STORAGE_FAILED', 'The browser’s storage failed, or was closed.', { cause })
}

type StoredRow = { readonly id: Uint8Array; readonly sealed: Uint8Array }

/** A vault's catalog in the browser's IndexedDB; rows are sealed before they come here. */
export async function openIndexedDbCatalog(input: { readonly name: string }): Promise<Catalog> {
  const db = await openDatabase(input.name, fresh => {
    fresh.createObjectStore('rows', { keyPath: 'id' })
    fresh.createObjectStore('marks')
  })
  const key = (id: Uint8Array): BufferSource => new Uint8Array(id)
  return {
    async note(rows) {
      for (const { id } of rows) checkRecordId(id)
      await write(db, ['rows'], store => {
        for (const { id, sealed } of rows) store('rows').put({ id: new Uint8Array(id), sealed: new Uint8Array(sealed) })
      })
    },
    drop: ids =>
      write(db, ['rows'], store => {
        for (const id of ids) store('rows').delete(key(id))
      }),
    async *all() {
      let after: Uint8Array | null = null
      for (;;) {
        const range: IDBKeyRange | null = after ? IDBKeyRange.lowerBound(after, true) : null
        const page: StoredRow[] = await read(db, 'rows', s => s.getAll(range, PAGE_ROWS))

        yield* page
        if (page.length < PAGE_ROWS) return
        after = page.at(-1)!.id
      }
    },
    get: async id => ((await read(db, 'rows', s => s.get(key(id)))) as StoredRow | undefined)?.sealed ?? null,
    mark: (name, value) => write(db, ['marks'], store => void store('marks').put(new Uint8Array(value), name)),
    marked: async name => ((await read(db, 'marks', s => s.get(name))) as Uint8Array | undefined) ?? null,
    clear: () =>
      write(db, ['rows', 'marks'], store => {
        store('rows').clear()
        store('marks').clear()
      }),
    async close() {
      db.close()
    },
  }
}
