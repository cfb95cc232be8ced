import type { Key } from './en.ts'

/** A text, or its forms for one and for many. */
export type Text = string | { readonly one: string; readonly other: string }
/** What a language has for an area's English texts. */
export type Texts<English> = Readonly<Record<keyof English, Text>>

export type Locale = 'en' | 'de'
export const LOCALES: readonly { readonly locale: Locale; readonly name: string }[] = [
  { locale: 'en', name: 'English' },
  { locale: 'de', name: 'Deutsch' },
]

export type Values = Readonly<Record<string, string | number>>

/** Texts, dates and numbers of one language. */
export type Words = {
  readonly locale: Locale
  /** Whether the texts of every screen are here; until then a text may be empty. */
  readonly whole: boolean
  t(key: Key, values?: Values): string
  /** The form for a number, which also fills `{count}`. */
  n(key: Key, count: number, values?: Values): string
  number(n: number): string
  /** A FHIR date or instant, as precise as it is. */
  date(fhir: string): string
  /** Unix seconds as a day. */
  day(unix: number): string
  /** Unix seconds as day and time. */
  time(unix: number): string
  /** Unix seconds as the time of day. */
  clock(unix: number): string
  bytes(n: number): string
  /** A length of time; one of them by its unit alone: `day`, `2 days`. */
  span(n: number, unit: 'second' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year'): string
  list(items: readonly string[]): string
  /** A text by a key made at run time, or the fallback. */
  maybe(key: string, fallback: string): string
}

export function makeWords(locale: Locale, texts: Readonly<Partial<Record<Key, Text>>>, whole = true): Words {
  const plurals = new Intl.PluralRules(locale)
  const numbers = new Intl.NumberFormat(locale)
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options)
  const year = format({ year: 'numeric', timeZone: 'UTC' })
  const month = format({ year: 'numeric', month: 'long', timeZone: 'UTC' })
  const date = format({ dateStyle: 'medium', timeZone: 'UTC' })
  const day = format({ dateStyle: 'medium' })
  const time = format({ dateStyle: 'medium', timeStyle: 'short' })
  const clock = format({ timeStyle: 'short' })
  const sizes = (['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const).map(
    unit => new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 }),
  )
  const list = new Intl.ListFormat(locale, { type: 'conjunction' })
  const fill = (text: string, values: Values): string =>
    text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name]
      return value === undefined ? whole : typeof value === 'number' ? numbers.format(value) : value
    })
  const form = (text: Text = '', count: number): string =>
    typeof text === 'string' ? text : plurals.select(count) === 'one' ? text.one : text.other
  return {
    locale,
    whole,
    t: (key, values = {}) => fill(form(texts[key], 2), values),
    n: (key, count, values = {}) => fill(form(texts[key], count), { count, ...values }),
    number: n => numbers.format(n),
    date(fhir) {
      const parsed = Date.parse(fhir)
      if (Number.isNaN(parsed)) return fhir
      const by = fhir.length === 4 ? year : fhir.length === 7 ? month : fhir.length === 10 ? date : day
      return by.format(parsed)
    },
    day: unix => day.format(unix * 1000),
    time: unix => time.format(unix * 1000),
    clock: unix => clock.format(unix * 1000),
    bytes(n) {
      const power = Math.min(3, Math.floor(Math.log10(Math.max(1, n)) / 3))
      return sizes[power]!.format(n / 1000 ** power)
    },
    span(n, unit) {
      const parts = new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).formatToParts(n)
      const shown = n === 1 ? parts.filter(p => p.type === 'unit') : parts
      return shown.map(p => p.value).join('')
    },
    list: items => list.format(items),
    maybe: (key, fallback) => (Object.hasOwn(texts, key) ? form(texts[key as Key], 2) : fallback),
  }
}

/** The language to begin with: the first of the person's that there is. */
export function preferred(languages: readonly string[]): Locale {
  for (const language of languages) {
    const found = LOCALES.find(l => language.toLowerCase().startsWith(l.locale))
    if (found) return found.locale
  }
  return 'en'
}
