/** What crosses between the page and the guard of the app (its service worker). */
export type GuardOffer = {
  readonly why: 'unsigned' | 'other-key' | 'older' | 'twice' | 'altered'
  /** A key's name, a version or a file: for “details”. */
  readonly detail: string
}

export type GuardStatus = {
  readonly version: string
  readonly number: number
  /** Who signed it: hex, to be compared. */
  readonly key: string
  /** Whether the place that serves the app could be asked just now. */
  readonly reached: boolean
  /** What was offered and refused; null when nothing was. */
  readonly offer: GuardOffer | null
  /** A newer release is here and is used from the next start on. */
  readonly ready: boolean
  /** Whether the last release brought a new guard, as it then announces. */
  readonly guardChanged: boolean
}

export type GuardQuestion =
  | { readonly kind: 'status' }
  | { readonly kind: 'look' }
  | { readonly kind: 'audit' }
  | { readonly kind: 'trust'; readonly key: string }

export type GuardAnswer = { readonly status: GuardStatus } | { readonly failed: string }
