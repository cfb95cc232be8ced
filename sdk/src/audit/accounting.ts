import type { Did } from '#identity/did'
import type { Action } from './receipt.ts'

/** On what somebody relied who opened something, as far as the vault knows it. */
export type Basis =
  | { readonly kind: 'owner' }
  /** A consent that the person gave, or that `by` gave in their name. Unix seconds. */
  | { readonly kind: 'consent'; readonly from: number; readonly until: number; readonly by: string | null }
  | { readonly kind: 'emergency' }
  | { readonly kind: 'unknown' }

/** One opening, writing or refusal, as its receipt says it (45 CFR 164.528(b)(2): date, to whom, what, why) and where the receipt stands. */
export type Disclosure = {
  readonly time: number
  readonly recipient: {
    readonly did: Did
    readonly name: string
    readonly own: boolean
    /** Whether the person knows them: by an issuer's word or compared codes. */
    readonly standing: 'verified' | 'unverified' | 'unknown'
    readonly person: string | null
    readonly role: string | null
  }
  readonly action: Action
  /** Why it was refused; null when it was not. */
  readonly refused: readonly string[] | null
  /** Titles are null for what was erased since. */
  readonly records: readonly { readonly id: string; readonly title: string | null }[]
  /** Compartments by their names. */
  readonly parts: readonly string[]
  readonly purpose: string
  readonly basis: Basis
  readonly receipt: { readonly seq: number; readonly index: number; readonly hash: string; readonly reader: 'verified' | 'unknown' }
}

/** All disclosures of a vault in a time, treatment included, with what was checked and against what. */
export type Accounting = {
  readonly vault: Did
  readonly name: string
  readonly made: number
  /** Both ends included; null for since the beginning. */
  readonly from: number | null
  readonly until: number
  /** Whether the owner's own openings are in it. */
  readonly own: boolean
  readonly disclosures: readonly Disclosure[]
  /** Receipts checked, of all times. */
  readonly receipts: number
  readonly problems: readonly { readonly seq: number; readonly code: string; readonly message: string }[]
  readonly log: {
    readonly relay: Did
    readonly size: number
    readonly ledger: { readonly chainId: number; readonly contract: string; readonly log: string } | null
    readonly anchored: { readonly size: number; readonly time: number; readonly root: string } | null
  }
}

/** Six years before (45 CFR 164.528(a)(1)), to the day. */
export function sixYearsBefore(unix: number): number {
  const day = new Date(unix * 1000)
  day.setUTCFullYear(day.getUTCFullYear() - 6)
  return Math.floor(day.getTime() / 1000)
}
