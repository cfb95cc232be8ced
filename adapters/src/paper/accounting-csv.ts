import type { Accounting } from '@keepwell/sdk/audit/accounting'
import { aboutOf, actionOf, basisOf, partsOf, purposeOf, recordsOf, refusalOf, stamp } from './accounting-text.ts'
import { csv } from './csv.ts'
import { type Language, textsIn } from './words.ts'

/** The account of disclosures for a spreadsheet: the same, a column for each thing. */
export function accountingCsv(a: Accounting, language: Language): string {
  const texts = textsIn(language)
  const { t } = texts
  const columns = [
    t('date'),
    t('recipient'),
    t('column.did'),
    t('column.person'),
    t('column.role'),
    t('what'),
    t('column.parts'),
    t('column.purpose'),
    t('column.basis'),
    t('receipt'),
    t('column.log'),
    'SHA-256',
  ]
  const rows = a.disclosures.map(d => [
    stamp(d.time),
    d.recipient.name,
    d.recipient.did,
    d.recipient.person ?? '',
    d.recipient.role ?? '',
    [refusalOf(d, texts), actionOf(d, texts), recordsOf(d, texts)].filter(Boolean).join(': '),
    partsOf(d, texts),
    purposeOf(d, texts),
    basisOf(d, texts),
    String(d.receipt.seq),
    String(d.receipt.index),
    d.receipt.hash,
  ])
  return csv([[t('title')], ...aboutOf(a, language), [], columns, ...rows])
}
