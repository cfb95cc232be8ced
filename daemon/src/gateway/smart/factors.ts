import { timingSafeEqual } from 'node:crypto'
import { refuseGuessable } from '@keepwell/adapters/passphrase/guessable'
import { fromBase64Url, type RandomBytes, toBase64Url, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { ARGON2_DEFAULTS, deriveKey } from '@keepwell/sdk/crypto/passphrase'
import { Secret, TOTP } from 'otpauth'
import { ATTEMPTS_KEPT, type Attempts, failed, isLocked } from './lockout.ts'
import { type Argon2Cost, changeStaff, isOut, isReady, type Staff, type StaffStore, staffByLogin } from './staff.ts'

const PERIOD = 30
const CODES = 10
const SHORTEST = 10

/** One derivation takes 64 MiB of this process, so a crowd of logins waits in line. */
let line: Promise<unknown> = Promise.resolve()
function inLine<T>(work: () => Promise<T>): Promise<T> {
  const run = line.then(work)
  line = run.catch(() => {})
  return run
}

type Kept = NonNullable<Staff['passphrase']>

/** `belongs`: the person's login and name, and the organisation's. Throws BAD_INPUT, WEAK_PASSPHRASE. */
export async function newPassphrase(
  passphrase: string,
  { random, cost = ARGON2_DEFAULTS }: Pick<StaffStore, 'random' | 'cost'>,
  belongs: readonly string[] = [],
): Promise<Kept> {
  ensure(passphrase.length >= SHORTEST && passphrase.length <= 1024, 'BAD_INPUT', `A passphrase has at least ${SHORTEST} characters.`)
  refuseGuessable(passphrase, belongs)
  const salt = random(16)
  const { memoryKiB, passes, lanes } = cost
  const hash = await inLine(() => deriveKey(passphrase, { salt, memoryKiB, passes, lanes }))
  return { salt: toBase64Url(salt), hash: toBase64Url(hash), memoryKiB, passes, lanes }
}

/** Takes as long for nobody's passphrase as for anybody's. */
async function isPassphrase(kept: Kept | null, passphrase: string, cost: Argon2Cost): Promise<boolean> {
  const { salt, hash, memoryKiB, passes, lanes } = kept ?? { ...cost, salt: NOBODY, hash: toBase64Url(new Uint8Array(32)) }
  const given = await inLine(() => deriveKey(passphrase.slice(0, 1024) || '-', { salt: fromBase64Url(salt), memoryKiB, passes, lanes }))
  return timingSafeEqual(given, fromBase64Url(hash)) && kept !== null
}

const NOBODY = toBase64Url(sha256(utf8('keepwell/v1/nobody')).subarray(0, 16))

export const newTotpSecret = (random: RandomBytes): string => new Secret({ buffer: random(20).slice().buffer }).base32

const totp = (secret: string, label: string) =>
  new TOTP({ issuer: 'Keepwell', label, secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: PERIOD })

/** For an authenticator app: `otpauth://totp/…`. */
export const totpUri = (secret: string, login: string): string => totp(secret, login).toString()

/** The time step that a code belongs to, one to either side allowed (RFC 6238 §5.2); null when it is none, or not after `last`. */
export function totpStep(secret: string, code: string, now: number, last: number): number | null {
  const token = code.replace(/\s/g, '')
  if (!/^\d{6}$/.test(token)) return null
  const delta = totp(secret, '').validate({ token, timestamp: now * 1000, window: 1 })
  if (delta === null) return null
  const step = Math.floor(now / PERIOD) + delta
  return step > last ? step : null
}

const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789'
const plainCode = (code: string): string => code.toLowerCase().replace(/[^a-z0-9]/g, '')
const hashed = (code: string): string => toHex(sha256(utf8(`keepwell/v1/recovery ${plainCode(code)}`)))

/** Ten codes of 118 bits, so that a hash of one cannot be searched; what is kept of them are their hashes. */
export function newRecoveryCodes(random: RandomBytes): { codes: string[]; hashes: string[] } {
  const letter = () => {
    for (;;) {
      const [byte] = random(1)
      if (byte! < 248) return ALPHABET[byte! % 31]!
    }
  }
  const codes = Array.from({ length: CODES }, () =>
    Array.from({ length: 24 }, letter)
      .join('')
      .replace(/(.{4})(?=.)/g, '$1-'),
  )
  return { codes, hashes: codes.map(hashed) }
}

export type Login = { readonly login: string; readonly passphrase: string; readonly code: string }
export type LoginResult = { readonly staff: Staff; readonly methods: readonly string[] } | 'refused' | 'locked'

/**
 * Passphrase and second factor together, so that nobody learns which of them was wrong. A code of an authenticator counts once, a
 * recovery code ever once. Mistakes are counted for logins that do not exist as well.
 */
export async function logIn(store: StaffStore, { login, passphrase, code }: Login): Promise<LoginResult> {
  const now = store.clock()
  const name = login.trim().toLowerCase().slice(0, 80)
  if (isLocked((await store.tokens.get<Attempts>('attempts', name))?.value ?? null, now)) return 'locked'
  const staff = await staffByLogin(store, name)
  const right = await isPassphrase(staff?.passphrase ?? null, passphrase, store.cost ?? ARGON2_DEFAULTS)
  if (staff && right && !isOut(staff, now) && isReady(staff)) {
    const method = await spendCode(store, staff, code)
    if (method) {
      await store.tokens.drop('attempts', name)
      return { staff, methods: ['pwd', method, 'mfa'] }
    }
  }
  const attempts = failed((await store.tokens.get<Attempts>('attempts', name))?.value ?? null, now)
  await store.tokens.put('attempts', name, attempts, { expires: now + ATTEMPTS_KEPT })
  return 'refused'
}

/** RFC 8176 names: `otp` for both. Null when the code is neither. Spending is one step with checking, so a code cannot count twice. */
async function spendCode(store: StaffStore, staff: Staff, code: string): Promise<'otp' | null> {
  let spent = false
  const spend = (before: Staff): Staff => {
    const step = before.totp && totpStep(before.totp.secret, code, store.clock(), before.totp.last)
    if (before.totp && step !== null) {
      spent = true
      return { ...before, totp: { ...before.totp, last: step } }
    }
    const hash = hashed(code)
    spent = before.recovery.includes(hash)
    return spent ? { ...before, recovery: before.recovery.filter(h => h !== hash) } : before
  }
  try {
    await changeStaff(store, staff.id, spend)
  } catch (error) {
    if (!isKeepwellError(error, 'NOT_FOUND')) throw error
    return null
  }
  return spent ? 'otp' : null
}
