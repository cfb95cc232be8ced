import type { Infer } from '#base/shape'
import type { Call } from '#identity/call'
import type { Did } from '#identity/did'
import type { CustodianInfo, Custody, drillAnswer, EmergencyContact, releaseAnswer } from '#identity/emergency'

/** A notice of a release: written before the share leaves, and kept until everybody was told. */
export type Release = {
  readonly tag: Uint8Array
  readonly vault: Did
  readonly requester: Did
  readonly name: string
  readonly role: string
  readonly reason: string
  readonly at: number
  /** Who has not been told yet; null is the patient. */
  readonly untold: readonly (EmergencyContact | null)[]
  /** Milliseconds from the agreement to the first notice that was taken; null before. */
  readonly toldAfter: number | null
}

/**
 * What a custodian keeps: one share for each vault, and its outbox. Durable when it resolves.
 *
 * - `keep` replaces the share of a lower version; an equal or higher one stays, and `keep` gives false.
 * - `note` writes a release anew by tag and vault.
 */
export interface CustodyStore {
  ofVault(vault: Did): Promise<Custody | null>
  ofCard(card: string): Promise<Custody | null>
  vaults(): Promise<readonly Did[]>
  keep(share: Custody): Promise<boolean>
  release(tag: Uint8Array): Promise<Release | null>
  releases(): Promise<readonly Release[]>
  note(release: Release): Promise<void>
}

/** Tells one person. Resolves when the other side has taken it; throws PEER_FAILED or BAD_INPUT otherwise. */
export interface Notices {
  send(to: EmergencyContact, subject: string, text: string): Promise<void>
}

/** One door to a custodian, whoever asks. */
export interface Custodian {
  readonly url: string
  info(): Promise<CustodianInfo>
  release(call: Call): Promise<Infer<typeof releaseAnswer>>
  drill(call: Call): Promise<Infer<typeof drillAnswer>>
}

/** Custodians by URL; one that does not answer throws RELAY_UNREACHABLE. */
export type Custodians = (url: string) => Custodian
