import type { ContactView, Level, Looked, Row, ShareView } from './views.ts'

/** What a share is to be. Parts, or records by name; `since` narrows parts to records of care from that day on, named one by one. */
export type NewShare = {
  readonly to: string
  readonly level: Level
  readonly compartments: readonly string[]
  readonly records?: readonly string[]
  readonly since?: string
  readonly purposes: readonly string[]
  readonly until: number
  /** Counts only while somebody vouches for them. */
  readonly whileVouched?: boolean
  /** The request that it answers. */
  readonly request?: string
  /** The share that it takes the place of. */
  readonly replaces?: string
}

/** A part of somebody's record, passed on by who looks after it. */
export type PassOn = {
  readonly under: string
  readonly to: string
  readonly level: 'read' | 'write'
  readonly compartments: readonly string[]
  readonly purposes: readonly string[]
  readonly until: number
}

export type Choosing = {
  readonly text?: string
  readonly compartments?: readonly string[]
  /** FHIR date of care. */
  readonly since?: string
  readonly ids?: readonly string[]
}

/** Records as one would choose them: all their ids, and what a person needs to see of them. */
export type Choice = {
  readonly ids: readonly string[]
  readonly sample: readonly Row[]
  readonly parts: readonly { readonly name: string; readonly count: number }[]
  readonly sensitive: readonly Row[]
  readonly sensitiveCount: number
}

export type Preview = {
  /** When it begins, where that is not at once: what is agreed to for research can be slept on. */
  readonly begins: number | null
  /** Named records; null where whole parts are shared. */
  readonly choice: Choice | null
  /** Until when the keys reach: the end of the week, for parts. */
  readonly keysUntil: number
  /** Live shares that already give this person all of it. */
  readonly already: readonly ShareView[]
}

/** What was read under a share, from the verified trail. */
export type ReadUnder = {
  readonly looked: readonly Looked[]
  readonly listed: number
  readonly records: readonly OpenedRecord[]
  readonly problems: number
}
export type OpenedRecord = {
  readonly id: string
  readonly title: string | null
  readonly times: number
  readonly first: number
  readonly last: number
  readonly by: readonly string[]
}

/** Who vouches for somebody: the issuer's word, and whether it counts now; `unknown` while the ledger cannot be asked. */
export type VouchedView = {
  readonly name: string
  readonly role: string
  readonly issuer: string
  readonly until: number
  readonly state: 'live' | 'ended' | 'unknown'
}

export type PersonView = {
  readonly contact: ContactView
  /** What their screen shows now; null when their record cannot be reached. */
  readonly code: string | null
  readonly ownCode: string
  /** Their keys are others than when the codes were compared. */
  readonly changed: boolean
}

/** Something that happened between people, for whoever shows notices: the value of the event `sharing`. */
export type SharingNews =
  | { readonly kind: 'contact'; readonly did: string; readonly name: string }
  | { readonly kind: 'request'; readonly did: string; readonly name: string; readonly level: Level }
  | { readonly kind: 'shared'; readonly did: string; readonly name: string; readonly share: string; readonly renewed: boolean }
  | { readonly kind: 'passed-on'; readonly did: string; readonly name: string; readonly to: string; readonly share: string }
  | { readonly kind: 'ended'; readonly did: string; readonly name: string; readonly share: string }
  | { readonly kind: 'frozen'; readonly did: string; readonly name: string }
  | { readonly kind: 'amended'; readonly did: string; readonly name: string; readonly records: readonly string[] }
  | { readonly kind: 'notice'; readonly did: string; readonly name: string; readonly text: string }
