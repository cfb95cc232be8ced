import type { Words } from './words.ts'

/** What went wrong and what to do, in the person's language. */
export function errorText(words: Words, error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  const known = typeof code === 'string' ? code : 'DEFECT'
  // The rules speak for themselves, to people and in their language.
  if (known === 'AGAINST_POLICY') return words.t('error.AGAINST_POLICY', { why: (error as { message?: string }).message ?? '' })
  return words.maybe(`error.${known}`, words.t('error.other', { code: known }))
}
