import { fromHex, toHex } from '#base/bytes'
import type { Catalog } from '#ports/catalog'
import { checkRecordId } from '#ports/limits'

export function memoryCatalog(): Catalog {
  const rows = new Map<string, Uint8Array>()
  const marks = new Map<string, Uint8Array>()
  return {
    async note(added) {
      for (const { id } of added) checkRecordId(id)
      for (const { id, sealed } of added) rows.set(toHex(id), new Uint8Array(sealed))
    },
    async drop(ids) {
      for (const id of ids) rows.delete(toHex(id))
    },
    async *all() {
      for (const [id, sealed] of [...rows]) yield { id: fromHex(id), sealed: sealed.slice() }
    },
    async get(id) {
      return rows.get(toHex(id))?.slice() ?? null
    },
    async mark(name, value) {
      marks.set(name, new Uint8Array(value))
    },
    async marked(name) {
      return marks.get(name)?.slice() ?? null
    },
    async clear() {
      rows.clear()
      marks.clear()
    },
    async close() {},
  }
}
