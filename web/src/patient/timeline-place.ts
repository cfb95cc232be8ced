import type { Zoom } from '#rpc/timeline.ts'

/** Where someone is on the timeline: what they filtered, how closely they look, what they opened, how far they scrolled. */
export type Place = {
  readonly text: string
  readonly part: string
  readonly kind: string
  readonly from: string
  readonly to: string
  readonly author: string
  readonly zoom: Zoom
  readonly stretch: string
}

type Kept = {
  readonly asked: string
  readonly place: Place
  readonly open: readonly string[] | null
  readonly scroll: number
  readonly last: string
}

/**
 * Kept in the page's memory for as long as the vault is open, by the connection to it, so that locking forgets it; an address would
 * stay in the browser's history.
 */
const kept = new WeakMap<object, Kept>()

export const keepPlace = (vault: object, value: Kept): void => void kept.set(vault, value)
export const keptPlace = (vault: object): Kept | undefined => kept.get(vault)

/** The way back from a record: to the timeline as it was asked for. */
export const timelineHref = (vault: object): string => `#/timeline${kept.get(vault)?.asked ?? ''}`
