import { utf8 } from '@keepwell/sdk/base/bytes'
import type { Account } from '#rpc/attention.ts'
import { csv } from './csv.ts'

/** The account as a file, made here and nowhere else. */
export async function accountFile(account: Account): Promise<Blob> {
  const { title, about, columns, rows } = account
  if (account.format === 'csv') {
    const bytes = utf8(csv([[title], ...about, [], columns, ...rows]))
    return new Blob([bytes as BlobPart], { type: 'text/csv;charset=utf-8' })
  }
  const { accountPdf } = await import('./account-pdf.ts')
  return new Blob([(await accountPdf(account)) as BlobPart], { type: 'application/pdf' })
}
