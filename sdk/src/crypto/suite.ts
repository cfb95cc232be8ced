import { ensure } from '#base/error'

/**
 * The one suite there is (protocol §1): HPKE X-Wing / HKDF-SHA-256 / AES-256-GCM, FLOE, Ed25519 + ML-DSA-65, SHA-256.
 * Every sealed thing begins with this name, so a later suite can never be mistaken for it.
 */
export const SUITE = 'kw1'

/** Throws UNKNOWN_SUITE for anything but `kw1`: an unknown suite is refused, never guessed. */
export function assertSuite(s: unknown): asserts s is typeof SUITE {
  ensure(s === SUITE, 'UNKNOWN_SUITE', `This was sealed by a suite that this version does not know; only "${SUITE}" is. Update Keepwell.`)
}
