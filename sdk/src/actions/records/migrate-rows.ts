import { utf8 } from '#base/bytes'
import { ensure } from '#base/error'
import { nameUuid } from '#crypto/name-uuid'
import { loadChecker } from '#health/fhir/check'
import { columnsOf, type Mapping } from '#health/migrate/mapping'
import { isEmptyRow, mapRow, type Row } from '#health/migrate/row'
import type { ImportItem } from './import-item.ts'

export type TableRow = { readonly number: number } & ({ readonly values: Row } | { readonly fault: string })

export type Migration = {
  readonly mapping: Mapping
  readonly rows: AsyncIterable<TableRow>
  /** Of the file, for people. */
  readonly name: string
  /** Only these rows; the others are passed over, and counted. */
  readonly only?: (row: Row) => boolean
  /** Rows up to this one were filed before. */
  readonly after?: number
}

/** Rows in, by what became of them: the sum is the number of rows. Filled while the items are taken. */
export type Reconciliation = {
  rows: number
  mapped: number
  resources: number
  passedOver: number
  before: number
  readonly refused: { readonly row: number; readonly why: readonly string[] }[]
}

export const emptyReconciliation = (): Reconciliation => ({ rows: 0, mapped: 0, resources: 0, passedOver: 0, before: 0, refused: [] })

/** `labs.csv row 12` of the item that holds the resources of row 12. */
export const rowItem = (name: string, row: number): string => `${name} row ${row}`
export const rowOf = (item: string): number => Number(/ row (\d+)$/.exec(item)?.[1] ?? 0)

/**
 * A table's rows as items for an import or a submission, each with the resources of one row; what cannot be mapped is in `seen` with its
 * reasons and in no item. Throws BAD_INPUT when the table lacks a column that the mapping reads, before anything is given.
 */
export async function* migrateRows({ mapping, rows, name, only, after = 0 }: Migration, seen: Reconciliation): AsyncGenerator<ImportItem> {
  const check = await loadChecker()
  let looked = false
  for await (const row of rows) {
    seen.rows++
    if ('fault' in row) {
      seen.refused.push({ row: row.number, why: [row.fault] })
      continue
    }
    if (!looked) checkColumns(mapping, row.values)
    looked = true
    if (isEmptyRow(row.values) || (only && !only(row.values))) seen.passedOver++
    else if (row.number <= after) seen.before++
    else {
      const { resources, refused } = mapRow({ mapping, row: row.values, uuid: nameUuid, check })
      if (refused.length) {
        seen.refused.push({ row: row.number, why: refused })
        continue
      }
      seen.mapped++
      seen.resources += resources.length
      yield itemOf(rowItem(name, row.number), resources)
    }
  }
}

function checkColumns(mapping: Mapping, values: Row): void {
  const missing = [...columnsOf(mapping)].filter(c => !Object.hasOwn(values, c))
  ensure(missing.length === 0, 'BAD_INPUT', `The table has no column ${missing.map(c => `"${c}"`).join(', ')}, which the mapping reads.`)
}

function itemOf(name: string, resources: readonly unknown[]): ImportItem {
  const bytes = utf8(resources.map(r => `${JSON.stringify(r)}\n`).join(''))
  return {
    name,
    size: bytes.length,
    async *chunks() {
      yield bytes
    },
  }
}
