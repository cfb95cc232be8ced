import { bool, bytes, type Infer, int, list, nullable, object, oneOf } from '#base/shape'
import { did } from '#identity/did'
import { PURPOSES, type Terms } from './terms.ts'

/**
 * What a vault signs to say how far others may go, whatever it consented to (protocol §5): the one signed flag for restriction (GDPR 18, EHDS 8),
 * objection (GDPR 21) and opting out (EHDS 10). It holds at a relay until a later one takes its place; `at` is Unix seconds and only rises.
 */
export const limitsMessage = object({
  v: int(1, 1),
  vault: did,
  at: int(1),
  /** Nobody but the owner lists or opens anything. Others may still file: nothing that is written is lost. */
  frozen: bool,
  /** While frozen, consents for emergencies alone (`ETREAT` and no other purpose) go on. */
  emergency: bool,
  /** Purposes that nobody may act for. */
  objects: list(oneOf(...PURPOSES), PURPOSES.length),
  /** Since when no new consent but one for emergencies alone counts, Unix seconds; null when new ones do. */
  closed: nullable(int(1)),
})
export type Limits = Infer<typeof limitsMessage>

/** A relay's signed word that the limits of that hash are in force there. */
export const limitsReceipt = object({ v: int(1, 1), vault: did, relay: did, at: int(), limits: bytes(32) })
export type LimitsReceipt = Infer<typeof limitsReceipt>

export type Barred = 'restricted' | 'objected' | 'opted-out'

/** Whether a consent is for emergencies alone. */
export const forEmergencies = (purposes: readonly string[]): boolean => purposes.length > 0 && purposes.every(p => p === 'ETREAT')

type Asked = { readonly action: 'list' | 'open' | 'write'; readonly purpose: string }

/** Why a request is declined without the person being asked; null when they are. */
export function declined(limits: Limits | null, purpose: string): Exclude<Barred, 'restricted'> | null {
  if (limits?.objects.some(p => p === purpose)) return 'objected'
  return limits && limits.closed !== null && purpose !== 'ETREAT' ? 'opted-out' : null
}

/** Why limits refuse what a consent would allow. */
export function barredBy(limits: Limits | null, terms: Pick<Terms, 'purposes' | 'notBefore'>, asked: Asked): Barred[] {
  if (!limits) return []
  const urgent = forEmergencies(terms.purposes)
  const frozen = limits.frozen && asked.action !== 'write' && !(limits.emergency && urgent)
  const objected = limits.objects.some(p => p === asked.purpose)
  const late = limits.closed !== null && terms.notBefore >= limits.closed && !urgent
  return [
    ...(frozen ? (['restricted'] as const) : []),
    ...(objected ? (['objected'] as const) : []),
    ...(late ? (['opted-out'] as const) : []),
  ]
}
