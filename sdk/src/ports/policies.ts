import type { Address, Written } from './ledger.ts'

export type PolicyState = {
  /** SHA-256 of the bundle in force; null: the built-in rules alone. */
  readonly policy: Uint8Array | null
  /** Unix seconds since when; 0 before the first. */
  readonly since: number
  /** What is announced, null among it for no bundle, and from when (Unix seconds) anybody may put it in force. */
  readonly pending: { readonly policy: Uint8Array | null; readonly readyAt: number } | null
  /** Seconds between the two. */
  readonly delay: number
  /** Who may announce. */
  readonly administrator: Address
}

/**
 * Which bundle of policies vaults and gateways are asked to keep, by name alone (protocol §6). `policy`: 32 zero bytes for none. Throws
 * NOT_SUPPORTED on a ledger that was made before there was such a contract.
 */
export interface Policies {
  state(): Promise<PolicyState>
  /** By the administrator, this ledger's account. */
  schedule(policy: Uint8Array): Promise<Written>
  cancel(policy: Uint8Array): Promise<Written>
  /** By anybody, once the time of what was announced has come. */
  enact(policy: Uint8Array): Promise<Written>
}
