import type { RandomBytes } from '#base/bytes'
import type { Device } from '#identity/device'
import type { Keyring } from '#identity/keyring'
import type { SealedKeyring } from '#identity/sealed-keyring'
import type { Signed } from '#identity/signed'
import type { Catalog } from '#ports/catalog'
import type { Chest } from '#ports/chest'
import type { Clock } from '#ports/clock'
import type { CustodyStore } from '#ports/custody'
import type { Network } from '#ports/relay'
import type { PolicyInForce } from './governance/policy-in-force.ts'

/** A party with its keyring open. The verbs that change the keyring replace `state` whole. */
export type Session = {
  readonly device: Device
  state: { readonly ring: Keyring; readonly sealed: SealedKeyring; readonly head: Signed | null }
}

/** Every power a verb may ask for; each takes the part it needs. */
export type Ctx = {
  readonly clock: Clock
  readonly random: RandomBytes
  readonly network: Network
  readonly catalog: Catalog
  readonly session: Session
  /** Payloads this device keeps, sealed as they came, to be read without a relay. */
  readonly copies?: Chest
  /** What this party keeps of others' emergency keys, where it is a custodian. */
  readonly custody?: CustodyStore
  /** Records that wait on this device to be sent, sealed. */
  readonly outbox?: Chest
  /** The policies that the home's ledger names, where this party keeps them; and in which language they are told. */
  readonly policies?: { inForce(): Promise<PolicyInForce | null>; readonly language?: string }
}

/** Progress of long work, for a person to look at. */
export type Progress = (done: number, total: number | null) => void
