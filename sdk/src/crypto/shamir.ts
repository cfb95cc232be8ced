import { combine as combineBytes, split as splitBytes } from 'shamir-secret-sharing'
import { concat, equal, type RandomBytes, utf8 } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import { sha256 } from './hash.ts'

/** One share: its place in the commitment (from 0) and its bytes, one longer than the secret. */
export type Share = { readonly index: number; readonly bytes: Uint8Array }

/** Salted SHA-256 of the secret and of every share; may be public. */
export type ShareCommitment = {
  readonly threshold: number
  readonly salt: Uint8Array
  readonly secret: Uint8Array
  readonly shares: readonly Uint8Array[]
}

export type SplitInput = {
  readonly secret: Uint8Array
  readonly shares: number
  readonly threshold: number
  readonly random: RandomBytes
}

const commit = (salt: Uint8Array, index: number, bytes: Uint8Array): Uint8Array =>
  sha256(utf8('keepwell/v1/share'), salt, Uint8Array.of(index), bytes)
const commitSecret = (salt: Uint8Array, secret: Uint8Array): Uint8Array => sha256(utf8('keepwell/v1/shared-secret'), salt, secret)

/**
 * Shamir shares over GF(2^8), any `threshold` of which give the secret (at least 16 bytes, or the commitment could be guessed).
 * `random` makes the salt; the polynomial comes from the audited library's own source (the platform's). Throws BAD_INPUT.
 */
export async function split({ secret, shares, threshold, random }: SplitInput): Promise<{ shares: Share[]; commitment: ShareCommitment }> {
  const sane = Number.isInteger(shares) && Number.isInteger(threshold) && threshold >= 2 && threshold <= shares && shares <= 255
  ensure(sane && secret.length >= 16, 'BAD_INPUT', 'Shares take 2 ≤ threshold ≤ shares ≤ 255 and a secret of 16 bytes or more.')
  const salt = random(32)
  const made = (await splitBytes(secret, shares, threshold)).map((bytes, index) => ({ index, bytes }))
  const hashes = made.map(s => commit(salt, s.index, s.bytes))
  return { shares: made, commitment: { threshold, salt, secret: commitSecret(salt, secret), shares: hashes } }
}

/** True when the share is the one that was dealt at its index. */
export function verifyShare(share: Share, { salt, shares }: ShareCommitment): boolean {
  const expected = shares[share.index]
  return expected !== undefined && share.index < 256 && equal(commit(salt, share.index, share.bytes), expected)
}

/**
 * The secret from at least `threshold` shares. Every share is checked first: a tampered one would give a wrong secret in silence.
 * Throws SHARE_TAMPERED naming the indexes, BAD_INPUT when there are too few.
 */
export async function combine(shares: readonly Share[], commitment: ShareCommitment): Promise<Uint8Array> {
  const bad = shares.filter(s => !verifyShare(s, commitment)).map(s => s.index)
  ensure(bad.length === 0, 'SHARE_TAMPERED', `Not the share that was dealt: index ${bad.join(', ')}. Ask its holder for another copy.`)
  const distinct = [...new Map(shares.map(s => [s.index, s])).values()]
  const enough = distinct.length >= commitment.threshold
  ensure(enough, 'BAD_INPUT', `${commitment.threshold} different shares are needed; there are ${distinct.length}.`)
  const secret = await combineBytes(distinct.map(s => concat(s.bytes)))
  if (!equal(commitSecret(commitment.salt, secret), commitment.secret))
    throw new KeepwellError('SHARE_TAMPERED', 'The shares match, but not the secret they were dealt for; the commitment is wrong.')
  return secret
}
