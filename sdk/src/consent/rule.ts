import { toHex } from '#base/bytes'
import { isSensitive } from '#base/compartments'
import { ensure } from '#base/error'
import { bytes, type Infer, int, list, nullable, object, oneOf, string } from '#base/shape'
import { compartmentId } from '#identity/compartments'
import { did } from '#identity/did'
import type { Keyring } from '#identity/keyring'
import { PURPOSES, type Purpose } from './terms.ts'

const DAY = 86_400
/** Uses are counted over so many seconds. */
export const MONTH = 30 * DAY

/**
 * What a patient signs to have requests answered while they are away (protocol §5, standing rules): who may be given what, for what, how long,
 * how often; and how long a use waits for a veto. Reading only. Durations in seconds, times in Unix seconds.
 */
export const ruleMessage = object({
  v: int(1, 1),
  vault: did,
  id: bytes(16),
  name: string(80),
  /** One verified contact; or, when null, whoever holds a live credential of that role. */
  to: nullable(did),
  role: nullable(string(8)),
  compartments: list(compartmentId, 64),
  purposes: list(oneOf(...PURPOSES), 10),
  longest: int(3600, 366 * DAY),
  /** Uses within 30 days. */
  cap: int(1, 100),
  notBefore: int(),
  expiry: int(),
  veto: int(0, 30 * DAY),
})
export type RuleMessage = Infer<typeof ruleMessage>

/** Parts that are no care: what an emergency opens, what others leave, and who looked. */
const APART = new Set(['emergency', 'inbox', 'audit'])

/** What no rule may loosen: sensitive parts, those apart and more than a year are given by the person alone. Throws BAD_INPUT. */
export function checkFloor(rule: RuleMessage, ring: Keyring): void {
  ensure((rule.to === null) !== (rule.role === null), 'BAD_INPUT', 'A rule is for one contact, or for the holders of one role.')
  ensure(rule.to !== ring.did, 'BAD_INPUT', 'A vault needs no rule for itself.')
  ensure(rule.expiry > rule.notBefore && rule.expiry - rule.notBefore <= 366 * DAY, 'BAD_INPUT', 'A rule lasts a year at most.')
  ensure(rule.purposes.length && rule.compartments.length, 'BAD_INPUT', 'A rule names at least one purpose and one compartment.')
  for (const id of rule.compartments) {
    const found = ring.compartments.find(c => toHex(c.id) === toHex(id))
    ensure(found, 'UNKNOWN_COMPARTMENT', 'The vault has no such compartment.')
    const plain = !isSensitive(found.name) && !APART.has(found.name)
    ensure(plain, 'BAD_INPUT', `No rule opens "${found.name}"; only you do.`)
  }
}

type Wish = { readonly purpose: string; readonly seconds: number; readonly compartments: readonly string[] }

/** Who asks, and what for: `verified` as a contact, `role` by a live credential. */
export type Asker = {
  readonly did: string
  readonly verified: boolean
  readonly role: string | null
  readonly request: Wish & { readonly level: string }
}

/** The purpose and the compartments of a wish that is within a rule, to the letter; null for one that is not. */
export function covered(
  rule: RuleMessage,
  wish: Wish,
  ring: Keyring,
): { readonly purpose: Purpose; readonly compartments: Uint8Array[] } | null {
  const purpose = rule.purposes.find(p => p === wish.purpose)
  const compartments = wish.compartments.flatMap(name => {
    const found = ring.compartments.find(c => c.name === name)
    return found && rule.compartments.some(id => toHex(id) === toHex(found.id)) ? [found.id] : []
  })
  const all = compartments.length > 0 && compartments.length === wish.compartments.length
  return purpose && all && wish.seconds <= rule.longest ? { purpose, compartments } : null
}

/** Whether a request is within a rule: what asks for anything more waits for the person. */
export function within(rule: RuleMessage, { did: who, verified, role, request }: Asker, ring: Keyring, now: number): boolean {
  const whom = rule.to === null ? role !== null && role === rule.role : rule.to === who && verified
  const time = rule.notBefore <= now && now < rule.expiry
  return whom && time && request.level === 'read' && covered(rule, request, ring) !== null
}
