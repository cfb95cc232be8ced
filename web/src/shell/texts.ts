import { en, type Key } from '#words/en.ts'
import type { Locale, Text } from '#words/words.ts'
import { readLocale } from './preferences.ts'

export type Spoken = { readonly locale: Locale; readonly texts: Readonly<Partial<Record<Key, Text>>>; readonly whole: boolean }

const ENGLISH: Spoken = { locale: 'en', texts: en, whole: false }

/** The texts of a language: those of the first English screens are at hand, all others come when they are wanted. */
export const textsOf = async (locale: Locale): Promise<Spoken> =>
  locale === 'de' ? { locale, texts: (await import('#words/de.ts')).de, whole: true } : ENGLISH

/** What is missing of a language, once the first screen is drawn. */
export const wholeOf = async ({ locale }: Spoken): Promise<Spoken> => {
  const { enLater } = await import('#words/en-later.ts')
  return { locale, texts: { ...en, ...enLater }, whole: true }
}

/** The language to begin with; English when its texts cannot be had. */
export const firstTexts = (): Promise<Spoken> => textsOf(readLocale()).catch(() => ENGLISH)
