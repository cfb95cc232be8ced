import { en, type Key } from '#words/en.ts'
import type { Locale, Text } from '#words/words.ts'
import { readLocale } from './preferences.ts'

export type Spoken = { readonly locale: Locale; readonly texts: Readonly<Record<Key, Text>> }

/** The texts of a language: English is at hand, another comes when it is wanted. */
export const textsOf = async (locale: Locale): Promise<Spoken> =>
  locale === 'de' ? { locale, texts: (await import('#words/de.ts')).de } : { locale, texts: en }

/** The language to begin with; English when its texts cannot be had. */
export const firstTexts = (): Promise<Spoken> => textsOf(readLocale()).catch(() => ({ locale: 'en', texts: en }))
