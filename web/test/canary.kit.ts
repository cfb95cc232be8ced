import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Page } from 'playwright-core'
import { found, type Marker, marker } from '../../e2e/markers.ts'

const unmarked = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '')

/** A text in every writing that code or a database might give it: other cases, without accents, backwards, each in the usual encodings. */
export function everyWriting(name: string, text: string): Marker {
  const lower = text.toLowerCase()
  const plain = unmarked(lower)
  const texts = new Set([text, unmarked(text), lower, plain, plain.toUpperCase(), ...[text, plain].map(t => [...t].reverse().join(''))])
  const written = [...texts].flatMap(t => {
    const wide = Buffer.from(t, 'utf16le')
    const bytes = [Buffer.from(t), wide, Buffer.from(t, 'latin1')]
    const escaped = t.replace(/[^ -~]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    return [
      ...bytes.flatMap(b => marker(name, b).forms),
      Buffer.from(wide).swap16(),
      Buffer.from(encodeURIComponent(t)),
      Buffer.from(escaped),
    ]
  })
  const forms = new Map(written.map(f => [f.toString('latin1'), f]))
  return { name, forms: [...forms.values()] }
}

export type Kept = { readonly place: string; readonly bytes: Buffer }

/** Everything that this browser keeps for the page's origin, each thing with where it lies. */
export async function keptBy(page: Page): Promise<Kept[]> {
  const kept = await page.evaluate(readAll)
  return kept.map(([place, base64]) => ({ place, bytes: Buffer.from(base64, 'base64') }))
}

/** Runs inside the page: databases, caches, files of its own, and both simple storages. */
async function readAll(): Promise<[place: string, base64: string][]> {
  const out: [string, string][] = []
  const base64 = async (parts: readonly BlobPart[]): Promise<string> => {
    const reader = new FileReader()
    const done = new Promise(resolve => reader.addEventListener('load', resolve))
    reader.readAsDataURL(new Blob([...parts]))
    await done
    return String(reader.result).replace(/^[^,]*,/, '')
  }
  const note = async (place: string, ...parts: BlobPart[]) => void out.push([place, await base64(parts)])
  const asked = <T>(r: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      r.onsuccess = () => resolve(r.result)
      r.onerror = () => reject(r.error)
    })
  /** A stored value as parts of bytes, whatever it is made of. */
  const partsOf = (value: unknown): BlobPart[] => {
    if (value instanceof Blob) return [value]
    if (value instanceof ArrayBuffer) return [value]
    if (ArrayBuffer.isView(value)) return [value as Uint8Array<ArrayBuffer>]
    if (value instanceof Map || value instanceof Set) return [...value].flatMap(partsOf)
    if (value !== null && typeof value === 'object') return Object.entries(value).flatMap(([k, v]) => [k, ' ', ...partsOf(v), '\n'])
    return [String(value)]
  }
  await note('cookies', document.cookie)
  for (const [name, store] of Object.entries({ localStorage, sessionStorage })) await note(name, JSON.stringify({ ...store }))
  for (const { name } of await indexedDB.databases()) {
    const db = await asked(indexedDB.open(name!))
    for (const store of db.objectStoreNames) {
      const rows = db.transaction(store).objectStore(store)
      const [keys, values] = await Promise.all([asked(rows.getAllKeys()), asked(rows.getAll())])
      for (const [i, value] of values.entries()) await note(`database ${name} ${store}`, ...partsOf(keys[i]), '\n', ...partsOf(value))
    }
    db.close()
    await note('name of a database', name!)
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name)
    for (const request of await cache.keys()) {
      const answer = await cache.match(request)
      await note(`cache ${name}`, request.url, JSON.stringify([...(answer?.headers ?? [])]), await answer!.blob())
    }
  }
  const walk = async (folder: FileSystemDirectoryHandle, path: string): Promise<void> => {
    for await (const [name, handle] of folder as unknown as AsyncIterable<[string, FileSystemHandle]>) {
      if (handle.kind === 'directory') await walk(handle as FileSystemDirectoryHandle, `${path}/${name}`)
      else await note(`file ${path}/${name}`, name, await (handle as FileSystemFileHandle).getFile())
    }
  }
  await walk(await navigator.storage.getDirectory(), '')
  return out
}

/** Where markers stand among these. What several browsers keep alike is searched once. */
export function hitsIn(markers: readonly Marker[], kept: readonly Kept[]): string[] {
  const alike = Map.groupBy(kept, k => createHash('sha256').update(k.bytes).digest('hex'))
  return [...alike.values()].flatMap(([first, ...others]) =>
    found(markers, first!.bytes).flatMap(name => [first!, ...others].map(({ place }) => `${place}: ${name}`)),
  )
}

/** The files of a browser's profile as they lie on the disk, and the rows of its own databases (history, forms, logins). */
export function profileOf(dir: string): Kept[] {
  const kept: Kept[] = []
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = readFileSync(path)
    kept.push({ place: relative(dir, path), bytes: Buffer.concat([Buffer.from(path), bytes]) })
    if (bytes.subarray(0, 15).toString() === 'SQLite format 3') kept.push(...rowsOf(path, relative(dir, path)))
  }
  return kept
}

function rowsOf(path: string, place: string): Kept[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const tables = db.prepare("select name from sqlite_master where type = 'table' and sql not like 'create virtual%'").all()
    return tables.flatMap(({ name }) => {
      const rows = db.prepare(`select * from "${name}"`)
      rows.setReadBigInts(true)
      return rows.all().map(row => ({
        place: `${place} ${name}`,
        bytes: Buffer.concat(Object.values(row).map(v => (v instanceof Uint8Array ? Buffer.from(v) : Buffer.from(String(v))))),
      }))
    })
  } finally {
    db.close()
  }
}
