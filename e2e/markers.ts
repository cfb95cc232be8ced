import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ClassicLevel } from 'classic-level'

/** Something that must not be found, under a name that may be printed. */
export type Marker = { readonly name: string; readonly forms: readonly Buffer[] }

/** Base64 of the bytes wherever they begin in a longer text: the characters that do not depend on what stands before or after. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap(offset => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    const first = Math.ceil((offset * 8) / 6)
    const last = Math.floor(((offset + bytes.length) * 8) / 6)
    const core = text.slice(first, last)
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

function formsOf(bytes: Buffer): Buffer[] {
  const hex = bytes.toString('hex')
  const texts = [hex, hex.toUpperCase(), ...base64Forms(bytes)]
  return [bytes, ...new Set(texts)].map(t => (typeof t === 'string' ? Buffer.from(t, 'latin1') : t))
}

/** A secret in every usual writing: raw, hex, base64, base64url; text also as UTF-16 and as JSON escapes it. */
export function marker(name: string, value: string | Uint8Array): Marker {
  if (typeof value !== 'string') return { name, forms: formsOf(Buffer.from(value)) }
  const escaped = JSON.stringify(value).slice(1, -1)
  const forms = [...formsOf(Buffer.from(value)), Buffer.from(value, 'utf16le')]
  return { name, forms: escaped === value ? forms : [...forms, Buffer.from(escaped)] }
}

/** Names of the markers that occur. */
export const found = (markers: readonly Marker[], bytes: Buffer): string[] =>
  markers.filter(m => m.forms.some(form => bytes.includes(form))).map(m => m.name)

export type Hit = { readonly place: string; readonly marker: string }

function* filesBelow(dir: string): Generator<string> {
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) yield join(entry.parentPath, entry.name)
}

/** A file as it is now; null when it is gone. */
function bytesOf(path: string): Buffer | null {
  try {
    return readFileSync(path)
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw e
  }
}

/** The bytes of every file below `dir`, whatever it is. */
export function searchFiles(markers: readonly Marker[], dir: string): { hits: Hit[]; files: number; bytes: number } {
  const hits: Hit[] = []
  const count = { files: 0, bytes: 0 }
  for (const path of filesBelow(dir)) {
    const bytes = bytesOf(path)
    // Whoever still writes there may have put another in its place.
    if (!bytes) continue
    count.files++
    count.bytes += bytes.length
    for (const name of found(markers, bytes)) hits.push({ place: relative(dir, path), marker: name })
    for (const name of found(markers, Buffer.from(relative(dir, path)))) hits.push({ place: 'a file’s name', marker: name })
  }
  return { hits, ...count }
}

/** The rows of every SQLite database below `dir`: what lies over several pages is not in one piece in the file. */
export function searchSqlite(markers: readonly Marker[], dir: string): { hits: Hit[]; rows: number } {
  const hits: Hit[] = []
  let rows = 0
  for (const path of filesBelow(dir)) {
    if (!path.endsWith('.sqlite')) continue
    const db = new DatabaseSync(path, { readOnly: true })
    for (const { name } of db.prepare("select name from sqlite_master where type = 'table'").all()) {
      for (const row of db.prepare(`select * from "${name}"`).iterate()) {
        rows++
        const bytes = Buffer.concat(Object.values(row).map(v => (v instanceof Uint8Array ? Buffer.from(v) : Buffer.from(String(v)))))
        for (const m of found(markers, bytes)) hits.push({ place: `${relative(dir, path)} ${String(name)}`, marker: m })
      }
    }
    db.close()
  }
  return { hits, rows }
}

export type LedgerRow = { readonly key: Buffer; readonly value: Buffer }

/** The rows of a ledger's LevelDB as they are, for LevelDB packs them in its files. Only while nobody has it open. */
export async function ledgerRows(dir: string): Promise<LedgerRow[]> {
  const level = new ClassicLevel<Buffer, Buffer>(join(dir, 'db'), { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  const rows: LedgerRow[] = []
  for await (const [key, value] of level.iterator()) rows.push({ key, value })
  await level.close()
  return rows
}

export const searchRows = (markers: readonly Marker[], rows: readonly LedgerRow[]): Hit[] =>
  rows.flatMap(({ key, value }) =>
    found(markers, Buffer.concat([key, value])).map(m => ({ place: `ledger row ${key.toString('hex')}`, marker: m })),
  )
