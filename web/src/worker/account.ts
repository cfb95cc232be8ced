import { accountFor } from '@keepwell/sdk/actions/access/account-for'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { utf8 } from '@keepwell/sdk/base/bytes'
import type { AccountAsked } from '#rpc/attention.ts'
import type { OpenVault } from './vault.ts'

/** The account of disclosures as a file, checked and made here and nowhere else. */
export async function accountFile({ ctx, entries }: OpenVault, { format, language, from, until, own }: AccountAsked): Promise<Blob> {
  const trail = await verifyTrail(ctx)
  const titleOf = (id: string): string | null => entries.get(id)?.row.title ?? null
  const accounting = await accountFor(ctx, { trail, from, until: Math.floor(until), own, titleOf })
  if (format === 'csv') {
    const { accountingCsv } = await import('@keepwell/adapters/paper/accounting-csv')
    return new Blob([utf8(accountingCsv(accounting, language)) as BlobPart], { type: 'text/csv;charset=utf-8' })
  }
  const { accountingPdf } = await import('@keepwell/adapters/paper/accounting-pdf')
  return new Blob([(await accountingPdf(accounting, language)) as BlobPart], { type: 'application/pdf' })
}
