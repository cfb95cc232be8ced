/** What of a hospital's record could not be had: the type, why (a word of the vault's), how many, and what the server said. */
export type MissingView = { readonly type: string; readonly reason: string; readonly count: number | null; readonly how: string }

/** A hospital that this device has a login at. */
export type HospitalView = {
  readonly id: string
  readonly label: string
  readonly base: string
  readonly connectedAt: number
  /** Whether it can be asked again without a new login. */
  readonly lasting: boolean
  /** When everything was fetched; null: not yet. */
  readonly pulledAt: number | null
  readonly missing: readonly MissingView[]
}

/** Empty text is nothing said. `again`: the connection whose login is renewed. */
export type BeginHospital = {
  readonly address: string
  readonly label: string
  readonly client: string
  readonly code: string
  readonly again: string | null
}

/** The server is there and lets no page ask it; or there is no answer at all. */
export type Unasked = { readonly kind: 'closed' } | { readonly kind: 'silent' }
export type HospitalBegun =
  | { readonly kind: 'go'; readonly url: string; readonly host: string }
  /** It knows apps by an id only, to be had there for this redirect address. */
  | { readonly kind: 'needs-id'; readonly redirect: string }
  | Unasked
export type HospitalEnded = { readonly kind: 'connected'; readonly id: string } | Unasked

export type PullProgress = { readonly type: string; readonly filed: number }
export type PulledView = {
  readonly id: string
  /** By type, the most first. */
  readonly filed: readonly { readonly type: string; readonly count: number }[]
  readonly fresh: number
  readonly changed: number
  readonly already: number
  readonly missing: readonly MissingView[]
  /** Why it ended before its end; null when it did not. */
  readonly stopped: string | null
  /** It ended because the server lets no page ask for records. */
  readonly closed: boolean
  /** Whose record it is, by the hospital's own words. */
  readonly whose: string
}

/** A hospital of a list, at one of its servers. */
export type BrandView = { readonly name: string; readonly place: string; readonly server: string; readonly base: string }
