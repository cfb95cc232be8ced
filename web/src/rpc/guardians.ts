/** Somebody in charge, or to come. `at` is when the share was last proved; `waiting` while a proof is asked for. */
export type SeatView = { readonly did: string; readonly name: string; readonly at: number | null; readonly waiting: boolean }

export type CircleView = { readonly take: number; readonly delay: number; readonly seats: readonly SeatView[] }

/** Somebody who was asked. `in`: in the newest circle already. */
export type AskedGuardian = { readonly did: string; readonly name: string; readonly state: 'asked' | 'agreed' | 'in'; readonly at: number }

export type GuardiansView = {
  readonly inForce: CircleView | null
  /** What is to be in force from a moment on; without a circle, nobody. */
  readonly coming: { readonly from: number; readonly circle: CircleView | null } | null
  readonly asked: readonly AskedGuardian[]
  readonly owed: 'choose' | 'again' | null
  /** Contacts who can be asked. */
  readonly candidates: readonly { readonly did: string; readonly name: string }[]
}

/** Who could be reached by now, and who could not. */
export type Unreached = { readonly unreached: readonly string[] }

export type InCharge = { readonly threshold: number; readonly delay: number }

/** Somebody whose guardian this person is, or was asked to be. */
export type GuardedView = { readonly did: string; readonly name: string; readonly state: 'asked' | 'agreed' | 'holds'; readonly at: number }

/** The code of somebody who asks for their record back, as a guardian sees it before voting. */
export type PleaView = {
  readonly device: string
  readonly digits: string
  readonly until: number
  /** For whom a share is held here. */
  readonly people: readonly { readonly did: string; readonly name: string }[]
}

/** How a recovery of one's own stands. */
export type Pleading = {
  readonly did: string
  /** What guardians are sent; shown as a code too. */
  readonly link: string
  readonly digits: string
  /** Until when votes count. */
  readonly until: number
  readonly relay: string
  /** Null before anybody answered: nobody else knows how many it takes. */
  readonly needed: number | null
  readonly votes: number
  /** Guardians, by their place from 1, whose share is not the one that was dealt. */
  readonly tampered: readonly number[]
  readonly round: { readonly readyAt: number; readonly final: boolean; readonly state: 'running' | 'cancelled' | 'finished' } | null
}
