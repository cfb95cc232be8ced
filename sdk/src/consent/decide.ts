import { toHex } from '#base/bytes'
import type { CredentialStatus, Slot } from '#ports/ledger'
import type { Barred } from './limits.ts'
import { beyondPolicy, type PolicyVerdict } from './policy.ts'
import type { Purpose, Terms } from './terms.ts'

/** What is asked: `records` and `compartments` are what the request touches, with the filing epoch of each record. */
export type AccessRequest = {
  readonly action: 'list' | 'open' | 'write'
  readonly reader: string
  readonly purpose: Purpose
  readonly records: readonly { readonly id: Uint8Array; readonly compartment: Uint8Array; readonly epoch: number }[]
  readonly compartments: readonly Uint8Array[]
}

/** What is known now. `now` is ledger block time, Unix seconds; `revoked` is a revocation honoured before the ledger shows it. */
export type AccessState = {
  readonly now: number
  readonly slot: Slot | null
  readonly revoked: boolean
  readonly ledgerAge: number
  readonly credential: 'none-needed' | 'live' | 'dead'
  /** What the patient's own limits refuse, whatever the consent says. */
  readonly barred?: readonly Barred[]
  /** The compartments that the role of whoever asks has to do with, where the organisation says so. */
  readonly role?: readonly Uint8Array[]
  /** What the policies in force say to this request. They take away and never add, and nothing in an emergency. */
  readonly policy?: PolicyVerdict
}

export const REASONS = {
  'not-the-grantee': 'The terms name another grantee.',
  'no-slot': 'The consent is not on the ledger.',
  revoked: 'The consent was revoked.',
  'not-yet': 'The consent is not yet in force.',
  expired: 'The consent has expired.',
  'level-mismatch': 'The ledger holds another level than the terms.',
  'level-too-low': 'The consent does not allow this action.',
  'wrong-purpose': 'The purpose is not among those agreed.',
  'outside-compartments': 'A compartment is outside the consent.',
  'outside-records': 'A record is outside the consent.',
  'outside-epochs': 'A record was filed outside the consented time.',
  'credential-dead': 'The credential of the grantee is suspended, revoked or expired.',
  'ledger-behind': 'The ledger is too old to decide.',
  restricted: 'The patient has frozen the record for everybody.',
  objected: 'The patient objects to that purpose.',
  'opted-out': 'The patient takes no new consents.',
  'outside-role': 'The role of whoever asks has nothing to do with that part.',
  policy: 'A policy in force forbids it.',
} as const
export type Reason = keyof typeof REASONS

export type Decision = { readonly allow: boolean; readonly reasons: readonly Reason[] }

/** What the ledger's answer about the credential that terms name is worth; null for an answer that there is none. */
export const credentialOf = (terms: Terms, status: CredentialStatus | null): AccessState['credential'] =>
  terms.credential ? (status?.live ? 'live' : 'dead') : 'none-needed'

/** A relay whose ledger head is older than this serves only the vault itself (protocol §6). */
export const MAX_LEDGER_AGE = 600

/**
 * The one rules engine: the narrower of terms and slot, all reasons for a refusal at once, nothing but its inputs.
 * Signatures are checked before; this decides what they allow.
 */
export function decide(terms: Terms, request: AccessRequest, state: AccessState): Decision {
  const reasons: Reason[] = []
  const refuse = (when: boolean, reason: Reason) => when && !reasons.includes(reason) && reasons.push(reason)
  const { slot, now } = state

  refuse(request.reader !== terms.grantee, 'not-the-grantee')
  refuse(state.ledgerAge > MAX_LEDGER_AGE, 'ledger-behind')
  refuse(slot === null, 'no-slot')
  refuse(state.revoked || slot?.state === 'revoked', 'revoked')
  refuse(now < Math.max(terms.notBefore, slot?.notBefore ?? 0), 'not-yet')
  refuse(now >= Math.min(terms.expiry, slot?.expiry ?? terms.expiry), 'expired')
  refuse(slot !== null && slot.level !== { read: 1, write: 2, admin: 3 }[terms.level], 'level-mismatch')
  refuse(request.action === 'write' ? terms.level !== 'write' : terms.level === 'write', 'level-too-low')
  refuse(!terms.purposes.includes(request.purpose), 'wrong-purpose')
  refuse(state.credential === 'dead', 'credential-dead')
  for (const reason of state.barred ?? []) refuse(true, reason)
  refuse(!!state.policy?.forbids.length && !beyondPolicy(request.purpose), 'policy')
  refuseScope(terms, request, refuse)
  const open = state.role && new Set(state.role.map(toHex))
  for (const c of request.compartments) refuse(open !== undefined && !open.has(toHex(c)), 'outside-role')
  return { allow: reasons.length === 0, reasons }
}

function refuseScope(terms: Terms, request: AccessRequest, refuse: (when: boolean, reason: Reason) => void): void {
  const compartments = new Set(terms.compartments.map(toHex))
  const records = new Set(terms.records.map(toHex))
  const named = terms.records.length > 0
  for (const c of request.compartments) refuse(named || !compartments.has(toHex(c)), 'outside-compartments')
  for (const r of request.records) {
    refuse(named && !records.has(toHex(r.id)), 'outside-records')
    refuse(!named && !compartments.has(toHex(r.compartment)), 'outside-compartments')
    refuse(!named && (r.epoch < terms.from || r.epoch > terms.to), 'outside-epochs')
  }
}
