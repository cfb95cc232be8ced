import type { Cid } from '@keepwell/sdk/base/cid'
import { guarded, openSqlite } from '#base/sqlite'
import { keptTransaction, type SignedTransaction } from './wallet.ts'

/** Signed when the chain had that many blocks; what it holds. */
export type Sent = { readonly transaction: SignedTransaction; readonly height: number }

/**
 * Transactions that were signed and are not final yet, each on disk before it is sent: what is sent again after a crash is the same one, and
 * is paid once. They hold sealed blocks, as the network does.
 */
export function openSent(file: string) {
  const db = openSqlite({
    file,
    version: 1,
    create: [
      'CREATE TABLE sent (id TEXT PRIMARY KEY, height INTEGER NOT NULL, signed TEXT NOT NULL) STRICT',
      'CREATE TABLE block (cid TEXT PRIMARY KEY, id TEXT NOT NULL REFERENCES sent (id) ON DELETE CASCADE) STRICT, WITHOUT ROWID',
    ],
  })
  const [add, name, ids, one, which, forget] = [
    db.prepare('INSERT INTO sent VALUES (?, ?, ?)'),
    db.prepare('INSERT OR REPLACE INTO block VALUES (?, ?)'),
    db.prepare('SELECT id FROM sent ORDER BY height, id'),
    db.prepare('SELECT height, signed FROM sent WHERE id = ?'),
    db.prepare('SELECT id FROM block WHERE cid = ?'),
    db.prepare('DELETE FROM sent WHERE id = ?'),
  ]
  return {
    keep: ({ transaction, height }: Sent, cids: readonly Cid[]): void =>
      guarded('keeping a transaction', () => {
        db.exec('BEGIN IMMEDIATE')
        try {
          add.run(transaction.id, height, transaction.kept)
          for (const cid of cids) name.run(cid, transaction.id)
          db.exec('COMMIT')
        } catch (e) {
          if (db.isTransaction) db.exec('ROLLBACK')
          throw e
        }
      }),
    ids: (): string[] => guarded('reading transactions', () => ids.all().map(row => `${row.id}`)),
    get: (id: string): Sent =>
      guarded('reading a transaction', () => {
        const row = one.get(id)!
        return { transaction: keptTransaction(`${row.signed}`), height: Number(row.height) }
      }),
    /** The one that carries the block; null when none does. */
    holding: (cid: Cid): string | null =>
      guarded('reading transactions', () => {
        const row = which.get(cid)
        return row ? `${row.id}` : null
      }),
    forget: (id: string): void => guarded('forgetting a transaction', () => void forget.run(id)),
    close: () => db.close(),
  }
}
