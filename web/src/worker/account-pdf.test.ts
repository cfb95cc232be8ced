import { PDFDocument } from '@cantoo/pdf-lib'
import { expect, test } from 'vitest'
import { accountPdf, wrapped } from './account-pdf.ts'

const account = (rows: string[][]) => ({
  format: 'pdf' as const,
  title: 'Who looked at the record of Ada',
  about: [['Checked', 'today'] as const],
  columns: ['Date', 'Who', 'What'],
  rows,
  page: 'Page {page} of {pages}',
  replaced: 'Some letters were replaced.',
})

test('thousands of lines take as many pages as they need', async () => {
  const rows = Array.from({ length: 3000 }, (_, i) => [
    `2026-05-01 ${i}`,
    'Dr. Rivera',
    'Ferritin, Haemoglobin and what else was opened on that day',
  ])
  const pdf = await PDFDocument.load(await accountPdf(account(rows)))
  expect(pdf.getPageCount()).toBeGreaterThan(60)
  expect(pdf.getTitle()).toBe('Who looked at the record of Ada')
})

test('names in any script do not stop it', async () => {
  const bytes = await accountPdf(account([['2026', 'Łukasz Ångström Ёлка 山田', 'x'.repeat(900)]]))
  expect((await PDFDocument.load(bytes)).getPageCount()).toBe(1)
})

test('lines are broken at words, and words that are too long are broken', () => {
  const measure = (s: string): number => s.length
  expect(wrapped('one two three', 7, measure)).toEqual(['one two', 'three'])
  expect(wrapped('abcdefghij k', 4, measure)).toEqual(['abcd', 'efgh', 'ij k'])
  expect(wrapped('', 4, measure)).toEqual([''])
})
