import type { Words } from './words.ts'

/** What went wrong and what to do, in the person's language. */
export function errorText(words: Words, error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  const known = typeof code === 'string' ? code : 'DEFECT'
  return words.maybe(`error.${known}`, words.t('error.other', { code: known }))
}
