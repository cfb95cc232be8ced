import type { Policies } from './policies.ts'
import type { Recoveries } from './recoveries.ts'

/** Lower-case `0x` + 40 hex digits. */
export type Address = string
/** 65-byte `0x…` secp256k1 signature r‖s‖v, or any ERC-1271 signature where a contract may sign. */
export type Signature = string
/** Proof that a write is durable: transaction hash, its block and that block's time (Unix seconds). */
export type Written = { readonly tx: string; readonly block: number; readonly time: number }

/** Contract addresses by name and version, e.g. `ConsentRegistry@1`. New versions stand beside old ones. */
export type Manifest = Readonly<Record<string, Address>>

export type Slot = {
  readonly notBefore: number
  readonly expiry: number
  readonly level: 1 | 2 | 3
  readonly state: 'live' | 'revoked'
}

/** DIDs: ERC-1056. Anyone may relay what the controller signed. */
export interface Identities {
  /** The controller in force: the address itself until it was changed. */
  owner(identity: Address): Promise<Address>
  /** Meta-transaction nonce of ERC-1056 for this controller. */
  nonce(controller: Address): Promise<number>
  /** Latest live value of attribute `name` (≤ 31 ASCII characters) set by the identity, null when none or expired. */
  attribute(identity: Address, name: string): Promise<Uint8Array | null>
  setAttribute(input: {
    identity: Address
    name: string
    value: Uint8Array
    validity: number
    deadline: number
    signature: Signature
  }): Promise<Written>
  /** The contract that may replace the controller; null for none. */
  recoveryModule(identity: Address): Promise<Address | null>
  setRecoveryModule(input: { identity: Address; module: Address; deadline: number; signature: Signature }): Promise<Written>
  changeOwner(input: { identity: Address; newOwner: Address; deadline: number; signature: Signature }): Promise<Written>
}

export interface Consents {
  /** null: never written. */
  slot(holder: Address, commitment: Uint8Array): Promise<Slot | null>
  grant(input: {
    holder: Address
    commitment: Uint8Array
    notBefore: number
    expiry: number
    level: 1 | 2 | 3
    deadline: number
    signature: Signature
  }): Promise<Written>
  revoke(input: { holder: Address; commitment: Uint8Array; deadline: number; signature: Signature }): Promise<Written>
}

export interface Anchors {
  /** Anchors a batch root; the first anchoring of a root counts. */
  add(root: Uint8Array, size: number): Promise<Written>
  of(root: Uint8Array): Promise<{ readonly anchorer: Address; readonly time: number; readonly size: number } | null>
}

/** The EIP-712 `Head` of AuditTrail. `previous` is SHA-256 of the previous head's dual-signed message, zero for the first. */
export type TrailHead = {
  readonly log: Address
  readonly size: number
  readonly root: Uint8Array
  readonly time: number
  readonly previous: Uint8Array
}

/** A head and the log's signature on it. */
export type SignedHead = { readonly head: TrailHead; readonly signature: Signature }

/** What convicts a log: both heads are signed by it, and no honest log could have signed both. */
export type ForkProof = { readonly a: SignedHead; readonly b: SignedHead }
/** `proof` leads (RFC 9162 §2.1.4) from `older.size` leaves under `otherRoot`, which is not the older head's root, to the newer head. */
export type RewriteProof = {
  readonly older: SignedHead
  readonly newer: SignedHead
  readonly otherRoot: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/**
 * Heads of logs. `published` is the latest published head with its signature, as whoever brought it sent it, and by which transaction in which
 * block; null when there is none, or when the ledger does not tell.
 */
export interface Trail {
  publish(head: TrailHead, signature: Signature): Promise<Written>
  latest(log: Address): Promise<(Omit<TrailHead, 'previous'> & { readonly forked: boolean }) | null>
  published(log: Address): Promise<{ readonly sent: SignedHead; readonly written: Written } | null>
  reportFork(proof: ForkProof): Promise<Written>
  reportInconsistency(proof: RewriteProof): Promise<Written>
}

export interface Tokens {
  mint(input: {
    root: Uint8Array
    index: number
    path: readonly Uint8Array[]
    tokenHolder: Address
    inner: Uint8Array
    metadataDigest: Uint8Array
    deadline: number
    signature: Signature
  }): Promise<Written>
  burn(input: { tokenId: Uint8Array; deadline: number; signature: Signature }): Promise<Written>
  /** null: never minted or burned. */
  ownerOf(tokenId: Uint8Array): Promise<Address | null>
}

export type CredentialStatus = {
  readonly issuer: Address
  readonly role: string
  readonly expiry: number
  readonly live: boolean
  /** SHA-256(salt ‖ DID): whose it is, for those who know the salt. */
  readonly holderCommitment: Uint8Array
}

export interface Credentials {
  /** null: never issued. `live` is false when suspended, revoked, expired, or its issuer is no longer accredited. */
  status(id: Uint8Array): Promise<CredentialStatus | null>
  issue(input: { id: Uint8Array; holderCommitment: Uint8Array; role: string; expiry: number }): Promise<Written>
  setState(id: Uint8Array, state: 'suspended' | 'live' | 'revoked'): Promise<Written>
  /** Whether an account may vouch for others now; null: it never could. */
  issuer(account: Address): Promise<'accredited' | 'suspended' | null>
  /** By the registry's administrator alone. A suspended issuer's credentials are all dead until it is accredited again. */
  setIssuer(account: Address, state: 'accredited' | 'suspended'): Promise<Written>
}

/** A patient's rules for one emergency card (IEmergencyAccess.Rules): seconds, and how many professionals it takes. */
export type EmergencyRules = { readonly veto: Address; readonly delay: number; readonly window: number; readonly persons: 1 | 2 }

export type EmergencyRequest = {
  readonly credential: Uint8Array
  /** The credential that approved as the second person, null if none did. */
  readonly second: Uint8Array | null
  readonly reasonHash: Uint8Array
  readonly rules: EmergencyRules
  readonly requestedAt: number
  /** Unix seconds; null while a second person is missing. */
  readonly opensAt: number | null
  readonly closesAt: number | null
  readonly state: 'waiting' | 'open' | 'over' | 'vetoed'
  readonly reviewHash: Uint8Array | null
}

/** Requests to open what a patient left for emergencies, about nobody: tags and card keys only (protocol §7). */
export interface Emergencies {
  /** null: never asked. */
  request(tag: Uint8Array): Promise<EmergencyRequest | null>
  ask(input: {
    tag: Uint8Array
    reasonHash: Uint8Array
    credential: Uint8Array
    rules: EmergencyRules
    deadline: number
    signature: Signature
    preauthorisation?: { readonly until: number; readonly signature: Signature }
  }): Promise<Written>
  approve(input: { tag: Uint8Array; credential: Uint8Array; deadline: number; signature: Signature }): Promise<Written>
  veto(input: { tag: Uint8Array; deadline: number; signature: Signature }): Promise<Written>
  review(input: { tag: Uint8Array; reviewHash: Uint8Array; deadline: number; signature: Signature }): Promise<Written>
  /** Says whose signature asks under a credential; by its issuer, this ledger's account. */
  enrol(credential: Uint8Array, responder: Address): Promise<Written>
  /** null: nobody's. */
  responder(credential: Uint8Array): Promise<Address | null>
}

export type LedgerEvent = {
  readonly contract: string
  readonly name: string
  readonly block: number
  readonly tx: string
  readonly args: Readonly<Record<string, unknown>>
}

/**
 * Shared truth: a shelf of small facets. Writes resolve when final for that engine; a write that changes nothing is a no-op
 * that still resolves. A refused transaction throws LEDGER_REFUSED naming the contract's error; an unreachable engine
 * RELAY_UNREACHABLE. Reads are of the latest final block.
 */
export interface Ledger {
  readonly chainId: number
  readonly manifest: Manifest
  /** Account that pays and anchors: the operator's own address. */
  readonly account: Address
  readonly identities: Identities
  readonly consents: Consents
  readonly anchors: Anchors
  readonly trail: Trail
  readonly tokens: Tokens
  readonly credentials: Credentials
  readonly emergencies: Emergencies
  readonly recoveries: Recoveries
  readonly policies: Policies
  head(): Promise<{ readonly block: number; readonly time: number }>
  /** Everything our contracts emitted in blocks after `block`, oldest first. */
  since(block: number): Promise<LedgerEvent[]>
  close(): Promise<void>
}
