import { utf8 } from '#base/bytes'
import { ensure } from '#base/error'
import { native } from '#crypto/native/platform'

/** Argon2id parameters (RFC 9106), stored with the ciphertext. */
export type Argon2Params = {
  /** 16 to 64 random bytes. */
  readonly salt: Uint8Array
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/** RFC 9106 §4, second recommended option: 64 MiB, three passes (one lane: browsers have one thread to give). */
export const ARGON2_DEFAULTS = { memoryKiB: 65_536, passes: 3, lanes: 1 } as const

const LIMITS = { memoryKiB: [8_192, 1_048_576], passes: [1, 16], lanes: [1, 8] } as const
/** Memory × passes: about half a minute of one core. */
const MAX_WORK_KIB = 8 * 1_048_576

/**
 * Throws BAD_INPUT for parameters outside the limits. They may come from a file that somebody else wrote: too much would stall
 * or exhaust the device, too little would make guessing cheap.
 */
export function checkArgon2Params(params: Argon2Params): void {
  ensure(params.salt.length >= 16 && params.salt.length <= 64, 'BAD_INPUT', 'An Argon2id salt has 16 to 64 bytes.')
  for (const [name, [min, max]] of Object.entries(LIMITS)) {
    const value = params[name as keyof typeof LIMITS]
    ensure(Number.isInteger(value) && value >= min && value <= max, 'BAD_INPUT', `Argon2id ${name} must be from ${min} to ${max}.`)
  }
  ensure(params.memoryKiB * params.passes <= MAX_WORK_KIB, 'BAD_INPUT', 'These Argon2id parameters ask for too much work.')
}

/**
 * The 32-byte key of a passphrase: NFKC, UTF-8, Argon2id. The same on every platform and keyboard. Throws BAD_INPUT for
 * parameters outside the limits and for an empty passphrase.
 */
export async function deriveKey(passphrase: string, params: Argon2Params): Promise<Uint8Array> {
  checkArgon2Params(params)
  const normalized = passphrase.normalize('NFKC')
  ensure(normalized.length > 0 && normalized.length <= 1024, 'BAD_INPUT', 'A passphrase has 1 to 1,024 characters.')
  const { salt, memoryKiB, passes, lanes } = params
  return native.argon2id({ password: utf8(normalized), salt, memoryKiB, passes, lanes })
}
