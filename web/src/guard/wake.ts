import { WAKE_CACHE, WAKE_LOCALE } from '#rpc/wake.ts'
import { wake as de } from '#words/de/wake.ts'
import { wake as en } from '#words/en/wake.ts'

export type Notice = { readonly title: string; readonly body: string; readonly tag: string; readonly href: '#/emergency' | '#/' }

const TEXTS = { en, de }
type Language = keyof typeof TEXTS

/**
 * What is shown for a message of a custodian (docs/emergency.md). Nothing of it is shown but which of our own sentences it is: whoever has
 * the key of the subscription can say no more than these. Of several custodians' words about one release the tag makes one notice.
 */
export function noticeOf(message: string | null, language: Language): Notice {
  const texts = TEXTS[language]
  const { about, whose, id } = said(message)
  if (about !== 'emergency' || typeof id !== 'string' || !/^[\w-]{22}$/.test(id))
    return { title: texts['wake.any'], body: texts['wake.anyText'], tag: 'keepwell', href: '#/' }
  return whose === 'other'
    ? { title: texts['wake.other'], body: texts['wake.otherText'], tag: id, href: '#/' }
    : { title: texts['wake.own'], body: texts['wake.ownText'], tag: id, href: '#/emergency' }
}

function said(message: string | null): { readonly about?: unknown; readonly whose?: unknown; readonly id?: unknown } {
  try {
    const value: unknown = JSON.parse(message ?? '')
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

/** The language that the page left, else the browser's. */
export async function language(caches: CacheStorage, browser: string): Promise<Language> {
  const kept = await caches.match(WAKE_LOCALE, { cacheName: WAKE_CACHE }).then(found => found?.text())
  return (kept ?? browser).startsWith('de') ? 'de' : 'en'
}
