import { ensure } from '@keepwell/sdk/base/error'
import type { Catalog } from '@keepwell/sdk/ports/catalog'
import { checkRecordId } from '@keepwell/sdk/ports/limits'
import { groupWriter, guarded, openSqlite, scrub } from '#base/sqlite'

const CREATE = [
  'create table rows (id blob primary key, sealed blob not null) without rowid',
  'create table marks (name text primary key, value blob not null) without rowid',
]
const PAGE_ROWS = 500

/** A vault's catalogue in one SQLite file; the rows are sealed before they come here. What was dropped is in no file once `drop` resolves. */
export async function openSqliteCatalog(input: { file: string }): Promise<Catalog> {
  const db = openSqlite({ file: input.file, version: 1, create: CREATE })
  const writer = groupWriter(db)
  const prepared = guarded('opening the catalog', () => ({
    note: db.prepare('insert into rows (id, sealed) values (?, ?) on conflict (id) do update set sealed = excluded.sealed'),
    drop: db.prepare('delete from rows where id = ?'),
    get: db.prepare('select sealed from rows where id = ?'),
    page: db.prepare('select id, sealed from rows where id > ? order by id limit ?'),
    mark: db.prepare('insert into marks (name, value) values (?, ?) on conflict (name) do update set value = excluded.value'),
    marked: db.prepare('select value from marks where name = ?'),
  }))
  const write = (work: () => void) => {
    ensure(db.isOpen, 'STORAGE_FAILED', 'The catalog is closed.')
    return writer.run(() => guarded('writing the catalog', work))
  }
  const read = <T>(work: () => T): T => {
    ensure(db.isOpen, 'STORAGE_FAILED', 'The catalog is closed.')
    return guarded('reading the catalog', work)
  }
  const forgotten = async (): Promise<void> => {
    await writer.idle()
    scrub(db)
  }
  return {
    async note(rows) {
      for (const { id } of rows) checkRecordId(id)
      await write(() => {
        for (const { id, sealed } of rows) prepared.note.run(id, sealed)
      })
    },
    async drop(ids) {
      await write(() => {
        for (const id of ids) prepared.drop.run(id)
      })
      await forgotten()
    },
    async *all() {
      let after: Uint8Array = new Uint8Array(0)
      for (;;) {
        const page = read(() => prepared.page.all(after, PAGE_ROWS)) as { id: Uint8Array; sealed: Uint8Array }[]
        for (const { id, sealed } of page) yield { id, sealed }
        if (page.length < PAGE_ROWS) return
        after = page.at(-1)!.id
      }
    },
    async get(id) {
      return (read(() => prepared.get.get(id))?.sealed as Uint8Array | undefined) ?? null
    },
    async mark(name, value) {
      await write(() => void prepared.mark.run(name, value))
    },
    async marked(name) {
      return (read(() => prepared.marked.get(name))?.value as Uint8Array | undefined) ?? null
    },
    async clear() {
      await write(() => db.exec('delete from rows; delete from marks'))
      await forgotten()
    },
    async close() {
      await writer.idle()
      if (db.isOpen) db.close()
    },
  }
}
