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

/** What one of the person's devices did to keep the record: which (null: one that is gone), when, and where it lies. */
type Kept = { readonly at: number; readonly device: string | null; readonly here: boolean; readonly place: string }

export type CopyView = Kept & {
  readonly of: number
  readonly asked: number
  readonly repaired: number
  readonly lost: number
  /** Missing or damaged there, and not put right yet. */
  readonly unmended: number
  readonly state: 'good' | 'silent' | 'away' | 'unmended' | 'lost'
  /** The place where the record itself is kept. */
  readonly home: boolean
}

/** A place where nothing can ever be deleted, to which the owner agreed. */
export type AgreedView = Kept

/** How the record is kept: all that its devices, an agent among them, told each other. */
export type SafekeepingView = {
  /** Records there are now. */
  readonly records: number
  /** `whole` is false for a backup of an earlier version, of which only the time is known. */
  readonly made: (Kept & { readonly records: number; readonly size: number; readonly whole: boolean }) | null
  /** The last reading back as a restore would, of a backup made at `of`. */
  readonly tested: (Kept & { readonly of: number; readonly records: number }) | null
  readonly drilled: (Kept & { readonly records: number; readonly missing: number; readonly seconds: number }) | null
  readonly copies: readonly CopyView[]
  readonly agreed: readonly AgreedView[]
  readonly remindDays: number
  readonly due: boolean
}

/** A backup that was read back as a restore would: when it was made, and how many records it lacks by now. */
export type Tested = { readonly of: number; readonly records: number; readonly lacking: number }
