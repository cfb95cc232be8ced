import { concat, toHex } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { CatalogRow, PackedCatalog } from '@keepwell/sdk/ports/catalog'
import { checkRecordId } from '@keepwell/sdk/ports/limits'

const PAGE_ROWS = 500

/** Opens a browser database; `make` creates the object stores that are missing. Throws STORAGE_FAILED. */
export async function openDatabase(name: string, make: (db: IDBDatabase) => void, version = 1): Promise<IDBDatabase> {
  const opening = indexedDB.open(name, version)
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

/** Bumped when a store is added; what an older version made keeps its rows. */
const VERSION = 2
const STORES = ['rows', 'marks', 'packs', 'log'] as const

function upgrade(db: IDBDatabase): void {
  const make = (name: (typeof STORES)[number], options?: IDBObjectStoreParameters): void => {
    if (!db.objectStoreNames.contains(name)) db.createObjectStore(name, options)
  }
  make('rows', { keyPath: 'id' })
  make('marks')
  make('packs', { autoIncrement: true })
  // Each line is the ids of one `note`, one after another.
  make('log', { autoIncrement: true })
}

const ID = 16
const key = (id: Uint8Array): BufferSource => new Uint8Array(id)
const idsIn = (line: Uint8Array): Uint8Array[] => Array.from({ length: line.length / ID }, (_, i) => line.slice(i * ID, (i + 1) * ID))

/** A vault's catalog in the browser's IndexedDB; rows and packs are sealed before they come here. */
export async function openIndexedDbCatalog(input: { readonly name: string }): Promise<PackedCatalog> {
  const db = await openDatabase(input.name, upgrade, VERSION)
  // Lines of the log whose rows this catalog wrote or gave: the ones its next packs hold.
  const known = new Set<number>()
  return {
    async note(rows) {
      for (const { id } of rows) checkRecordId(id)
      if (!rows.length) return
      let line: IDBRequest<IDBValidKey> | undefined
      await write(db, ['rows', 'log'], store => {
        for (const { id, sealed } of rows) store('rows').put({ id: new Uint8Array(id), sealed: new Uint8Array(sealed) })
        line = store('log').add(concat(...rows.map(r => r.id)))
      })
      known.add(Number(line?.result))
    },
    drop: ids =>
      write(db, ['rows', 'packs', 'log'], store => {
        for (const id of ids) store('rows').delete(key(id))
        store('packs').clear()
        store('log').clear()
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
      write(db, STORES, store => {
        for (const name of STORES) store(name).clear()
      }),
    async packed() {
      const { packs, lines, changed } = await changes(db)
      for (const line of lines) known.add(line)
      return packs.length ? { packs: packsAt(db, packs), changed } : null
    },
    packing() {
      const lines = [...known]
      return async packs => {
        await repack(db, packs, lines)
        for (const line of lines) known.delete(line)
      }
    },
    async unpacked() {
      if (!(await read(db, 'packs', s => s.count()))) return read(db, 'rows', s => s.count())
      const lines: Uint8Array[] = await read(db, 'log', s => s.getAll())
      return lines.reduce((n, line) => n + line.length / ID, 0)
    },
    async close() {
      db.close()
    },
  }
}

/** The keys of the packs, and the rows noted since they were made, as one moment saw them. */
async function changes(db: IDBDatabase): Promise<{ packs: number[]; lines: number[]; changed: CatalogRow[] }> {
  const transaction = db.transaction(['packs', 'log', 'rows'], 'readonly')
  const [packs, lines, log] = await Promise.all([
    answer(transaction.objectStore('packs').getAllKeys() as IDBRequest<number[]>),
    answer(transaction.objectStore('log').getAllKeys() as IDBRequest<number[]>),
    answer(transaction.objectStore('log').getAll() as IDBRequest<Uint8Array[]>),
  ])
  if (!packs.length) return { packs, lines, changed: [] }
  const ids = new Map(log.flatMap(idsIn).map(id => [toHex(id), id]))
  const rows = await Promise.all([...ids.values()].map(id => answer(transaction.objectStore('rows').get(key(id)) as IDBRequest<StoredRow>)))
  return { packs, lines, changed: rows }
}

async function* packsAt(db: IDBDatabase, keys: readonly number[]): AsyncGenerator<Uint8Array> {
  // While one is opened, the next is read.
  let next = read<Uint8Array | undefined>(db, 'packs', s => s.get(keys[0]!))
  for (let i = 0; i < keys.length; i++) {
    const pack = await next
    if (!pack) throw new KeepwellError('STORAGE_FAILED', 'The packs of the catalog were replaced while they were read.')
    if (i + 1 < keys.length) next = read(db, 'packs', s => s.get(keys[i + 1]!))
    yield pack
  }
}

const repack = (db: IDBDatabase, packs: readonly Uint8Array[], lines: readonly number[]): Promise<void> =>
  write(db, ['packs', 'log'], store => {
    store('packs').clear()
    for (const pack of packs) store('packs').add(new Uint8Array(pack))
    for (const line of lines) store('log').delete(line)
  })
