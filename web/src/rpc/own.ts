/** How far an export, a backup or an erasure has come. */
export type Doing = {
  readonly phase: 'writing' | 'checking' | 'erasing'
  readonly done: number
  readonly total: number | null
  readonly bytes: number
}

/** What was written: into a file the person chose, or as a blob to be saved. */
export type Written = { readonly bytes: number; readonly blob: Blob | null; readonly records: number }

/** A backup that was read back: how many records were opened whole. */
export type BackedUp = Written & { readonly opened: number }

export type Restored = { readonly records: number; readonly ended: number }

export type Ended = {
  readonly records: number
  readonly consents: number
  readonly unreached: readonly string[]
  readonly relay: string
  readonly at: number
  /** The relay's signed receipts, to be kept. */
  readonly receipts: Blob
}
