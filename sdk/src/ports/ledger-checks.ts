import { ensure, KeepwellError } from '#base/error'
import type { GuardianPlan } from '#identity/recovery-typed-data'
import type { Address, EmergencyRules, Signature } from './ledger.ts'
import type { GuardianVote } from './recoveries.ts'

/** The law's shapes, checked alike by every ledger, so that none sends to a contract what another refuses. All throw BAD_INPUT. */
export const ZERO_ADDRESS: Address = `0x${'0'.repeat(40)}`
export const MAX_UINT32 = 2 ** 32 - 1

export function checkAddress(value: Address, what: string): void {
  ensure(/^0x[0-9a-f]{40}$/.test(value), 'BAD_INPUT', `The ${what} is not an address: 0x and 40 lower-case hex digits.`)
}

export function checkHash(value: Uint8Array, what: string): void {
  ensure(value instanceof Uint8Array && value.length === 32, 'BAD_INPUT', `The ${what} is not 32 bytes.`)
}

/** An unsigned integer: a count, a number of seconds, an index. */
export function checkCount(value: number, what: string, max: number = Number.MAX_SAFE_INTEGER): void {
  ensure(Number.isSafeInteger(value) && value >= 0 && value <= max, 'BAD_INPUT', `The ${what} is not a whole number from 0 to ${max}.`)
}

/** Any bytes: whether they are a signature is the contract's to say. */
export function checkSignature(value: Signature): void {
  ensure(/^0x(?:[0-9a-fA-F]{2}){0,4096}$/.test(value), 'BAD_INPUT', 'The signature is not hex with 0x, of at most 4096 bytes.')
}

/** ERC-1056 attribute names are text in a 32-byte word. */
export function checkAttributeName(value: string): void {
  ensure(/^[\x20-\x7e]{1,31}$/.test(value), 'BAD_INPUT', 'An attribute name is 1 to 31 printable ASCII characters.')
}

export function checkRole(value: string): void {
  ensure(/^[\x20-\x7e]{1,8}$/.test(value), 'BAD_INPUT', 'A credential role is 1 to 8 printable ASCII characters.')
}

export function checkRules({ veto, delay, window, persons }: EmergencyRules): void {
  checkAddress(veto, 'veto address')
  checkCount(delay, 'delay')
  checkCount(window, 'window')
  checkCount(persons, 'number of persons', 255)
}

/** RFC 9162 proofs have at most one hash per level. */
export function checkPath(path: readonly Uint8Array[]): void {
  ensure(path.length <= 64, 'BAD_INPUT', 'An inclusion path has at most 64 hashes.')
  for (const hash of path) checkHash(hash, 'hash in the inclusion path')
}

export function checkPlan(p: GuardianPlan): void {
  checkHash(p.root, 'root of the plan')
  checkHash(p.salt, 'salt of the plan')
  checkCount(p.threshold, 'threshold', 255)
  checkCount(p.guardians, 'number of guardians', 255)
  checkCount(p.delay, 'delay', MAX_UINT32)
}

export function checkVotes(votes: readonly GuardianVote[]): void {
  ensure(votes.length <= 255, 'BAD_INPUT', 'A round has at most 255 votes.')
  for (const { guardian, index, path, signature } of votes) {
    checkAddress(guardian, 'guardian')
    checkCount(index, 'place of a guardian', 255)
    checkPath(path)
    checkSignature(signature)
  }
}

/** What a refused write throws everywhere: the contract's own error name and nothing of what was written. */
export const refusal = (contract: string, error: string): KeepwellError =>
  new KeepwellError('LEDGER_REFUSED', `${contract} refused: ${error}.`)
