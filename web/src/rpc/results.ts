/** Measured values as the page sees them: gathered into series, in one unit each. */

/** `low` and `high`: beyond the reference range; `abnormal`: flagged by whoever measured it. */
export type Outside = 'low' | 'high' | 'abnormal'

export type ResultLine = {
  /** Names the series in addresses, without saying what it measures. */
  readonly key: string
  readonly analyte: string | null
  readonly name: string
  readonly group: string
  readonly unit: string
  /** One number, the two of a pair, or none when the newest result is words. */
  readonly latest: readonly number[]
  readonly words: string
  /** `<` and the like, before a latest number that is a limit. */
  readonly comparator: string
  readonly date: string
  readonly outside: Outside | null
  readonly count: number
  /** Of these, how many stand apart. */
  readonly apart: number
  /** Who signed them, the newest first; absent names are the vault's own. */
  readonly from: readonly (string | null)[]
  /** For a small drawing: a line's values over time, both between 0 and 1; `outside` by point. */
  readonly spark: readonly Spark[]
}
export type Spark = { readonly x: readonly number[]; readonly y: readonly number[]; readonly outside: readonly boolean[] }

export type ResultsView = {
  readonly lines: readonly ResultLine[]
  /** Records whose content this device has not read yet. */
  readonly unread: number
}

export type SeriesLine = {
  readonly role: 'value' | 'systolic' | 'diastolic'
  /** Unix seconds, rising. */
  readonly at: Float64Array
  readonly value: Float64Array
  /** NaN where there is no limit. */
  readonly low: Float64Array
  readonly high: Float64Array
  /** 0 inside, 1 low, 2 high, 3 abnormal. */
  readonly outside: Uint8Array
}

export type SeriesView = {
  readonly key: string
  readonly analyte: string | null
  readonly name: string
  readonly group: string
  readonly unit: string
  readonly units: readonly string[]
  readonly lines: readonly SeriesLine[]
  /** Rows of its table. */
  readonly rows: number
  readonly apart: readonly ApartRow[]
  /** How many points were converted, by the unit they were written in. */
  readonly converted: readonly { readonly unit: string; readonly count: number }[]
  /** Other names that its sources gave it. */
  readonly names: readonly string[]
}

type Origin = {
  readonly record: string
  readonly date: string
  /** Who signed it; null for the vault itself. */
  readonly author: string | null
  readonly trust: 'own' | 'verified' | 'unverified'
  /** Who measured it, where the source says so. */
  readonly performer: string
  readonly outside: Outside | null
}

export type SeriesRow = Origin & {
  /** One number, or two of a pair; null for a half that is missing. */
  readonly values: readonly (number | null)[]
  readonly comparator: string
  readonly low: number | null
  readonly high: number | null
  /** What the source wrote, when it was converted. */
  readonly written: string
  readonly flag: string
}

export type ApartRow = Origin & { readonly why: 'unit' | 'undated' | 'words'; readonly text: string }

export type SeriesQuery = { readonly key: string; readonly unit?: string }
