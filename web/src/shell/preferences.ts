import { LOCALES, type Locale, preferred } from '#words/words.ts'

/** Small choices of this browser; nothing of any record. */
const read = (name: string): string | null => localStorage.getItem(`keepwell-${name}`)
const keep = (name: string, value: string): void => localStorage.setItem(`keepwell-${name}`, value)

export const readLocale = (): Locale => LOCALES.find(l => l.locale === read('language'))?.locale ?? preferred(navigator.languages)
export const keepLocale = (locale: Locale): void => keep('language', locale)

/** For so long nobody is asked again to make a second device or a backup. */
const LATER_DAYS = 30
export const readLater = (): boolean => Date.now() < Number(read('later') ?? 0)
export const keepLater = (): void => keep('later', String(Date.now() + LATER_DAYS * 86_400_000))

/** A name for this device that its owner recognises among others. */
export function deviceName(agent: string): string {
  const browser = [/Edg\//, /Firefox\//, /Chrome\//, /Safari\//].findIndex(p => p.test(agent))
  const system = [/iPhone|iPad/, /Android/, /Windows/, /Mac OS/, /CrOS/, /Linux/].findIndex(p => p.test(agent))
  const name = ['Edge', 'Firefox', 'Chrome', 'Safari'][browser] ?? 'Browser'
  const place = ['iOS', 'Android', 'Windows', 'macOS', 'ChromeOS', 'Linux'][system]
  return place ? `${name}, ${place}` : name
}
