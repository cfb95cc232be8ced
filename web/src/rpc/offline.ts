/** How this device stands with the place that keeps the record. */
export type KeepChoice = 'recent' | 'all' | 'none'

export type Standing = {
  /** When this device last heard all the news; null: never yet. */
  readonly syncedAt: number | null
  /** Records that wait here, sealed, to be sent. */
  readonly waiting: number
  readonly copies: { readonly records: number; readonly bytes: number; readonly choice: KeepChoice }
}
