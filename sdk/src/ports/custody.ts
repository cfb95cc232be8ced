import type { Infer } from '#base/shape'
import type { BellList } from '#identity/bell'
import type { Call } from '#identity/call'
import type { Did } from '#identity/did'
import type { CustodianInfo, Custody, drillAnswer, EmergencyContact, releaseAnswer } from '#identity/emergency'
import type { WakeDevice, WakeList } from '#identity/wake'

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
  /** Devices that are still to be woken, by id; absent in what was written before there were any. */
  readonly unwoken?: readonly Uint8Array[]
  /** Whose bells are still to be rung; absent in what was written before there were any. */
  readonly unrung?: readonly Did[]
  /** Those of them in whose mailbox no word was left yet. */
  readonly unwritten?: readonly Did[]
  /** Milliseconds from the agreement to the first notice that was taken; null before. */
  readonly toldAfter: number | null
}

/** A vault's devices as it told of them, without those whose push service knows them no more; `gone`: of these it is still to be told. */
export type KeptWakes = WakeList & { readonly gone: readonly Uint8Array[] }

/**
 * What a custodian keeps: one share for each vault, and its outbox. Durable when it resolves.
 *
 * - `keep` replaces the share of a lower version; an equal or higher one stays, and `keep` gives false. So does `keepBells` with a vault's bells.
 * - `note` writes a release anew by tag and vault.
 * - `changeWakes` reads and writes with nobody between, and gives what is there afterwards.
 */
export interface CustodyStore {
  ofVault(vault: Did): Promise<Custody | null>
  ofCard(card: string): Promise<Custody | null>
  vaults(): Promise<readonly Did[]>
  keep(share: Custody): Promise<boolean>
  release(tag: Uint8Array): Promise<Release | null>
  releases(): Promise<readonly Release[]>
  note(release: Release): Promise<void>
  wakes(vault: Did): Promise<KeptWakes | null>
  bells(vault: Did): Promise<BellList | null>
  keepBells(list: BellList): Promise<boolean>
  changeWakes(vault: Did, change: (kept: KeptWakes | null) => KeptWakes | null): Promise<KeptWakes | null>
}

/** Tells one person. Resolves when the other side has taken it; throws PEER_FAILED or BAD_INPUT otherwise. */
export interface Notices {
  send(to: EmergencyContact, subject: string, text: string): Promise<void>
  /**
   * Wakes a device to look; `id`, 16 bytes, is the same for one release, so that several custodians show one notice. `gone`: its push service
   * knows it no more, or the address may not be asked; there is no use in asking again.
   */
  wake(device: WakeDevice, id: Uint8Array): Promise<'taken' | 'gone'>
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
