import type { Found, Query, Row, TimelineItem } from './views.ts'

export type Zoom = 'decade' | 'year' | 'month' | 'day'

/** A question and how closely to look. A stretch of time is the beginning of its dates: `201`, `2014`, `2014-03`, `2014-03-07`. */
export type LifeQuery = Query & {
  readonly zoom: Zoom
  /** Record by record, not gathered by occasions. */
  readonly flat?: boolean
}

export type Bar = { readonly key: string; readonly count: number }

/** What a query finds, seen from a distance. `items` counts lines while nothing more is opened than `open`. */
export type Life = {
  readonly token: number
  readonly records: number
  readonly bars: { readonly unit: Zoom; readonly bars: readonly Bar[] }
  readonly items: number
  /** Occasions that are open at first. */
  readonly open: readonly string[]
  readonly types: readonly string[]
  readonly authors: readonly string[]
  /** Whether the vault's owner wrote any of it. */
  readonly own: boolean
}

export type Looked = {
  readonly life: Life
  /** Of a query with words: its rows, the first of them at once. */
  readonly answer: { readonly found: Found; readonly first: readonly TimelineItem[] } | null
}

export type Count = { readonly name: string; readonly count: number }

export type Line =
  | { readonly kind: 'head'; readonly key: string; readonly count: number }
  | {
      readonly kind: 'period'
      readonly key: string
      readonly count: number
      readonly parts: readonly Count[]
      readonly told: readonly Row[]
    }
  | {
      readonly kind: 'occasion'
      readonly key: string
      readonly title: string | null
      readonly date: string
      readonly end?: string
      readonly author?: string
      readonly types: readonly Count[]
      readonly count: number
      readonly open: boolean
    }
  | { readonly kind: 'row'; readonly row: Row; readonly inside: boolean }

export type LinesQuery = { readonly token: number; readonly open: readonly string[]; readonly from: number; readonly to: number }
/** Null for an answer that is no longer kept. */
export type Lines = { readonly items: number; readonly lines: readonly Line[] } | null
