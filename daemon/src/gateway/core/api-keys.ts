import { timingSafeEqual } from 'node:crypto'
import { fromHex, text, toBase64Url, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { type Infer, int, list, object, oneOf, optional, string } from '@keepwell/sdk/base/shape'
import { PURPOSES, type Purpose } from '@keepwell/sdk/consent/terms'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { HttpRequest } from '#http/route'
import type { Actor, Authenticate } from './types.ts'

const apiKey = object({
  id: string(16, /^[0-9a-f]{16}$/),
  name: string(200),
  role: string(80),
  purpose: oneOf(...PURPOSES),
  hash: string(64, /^[0-9a-f]{64}$/),
  at: int(),
  /** When it ends, Unix seconds. Keys that were made before keys had an end stand until they are removed. */
  until: optional(int()),
  /** Of one that replaced another: the first of that line, so that what a system was given does not end with each key. */
  line: optional(string(16, /^[0-9a-f]{16}$/)),
})
const file = object({ v: int(1, 1), keys: list(apiKey, 1000) })

/** A key of one of the organisation's own systems. Of the secret only the SHA-256 is kept: it has 256 bits, so nobody guesses it. */
export type ApiKey = Infer<typeof apiKey>

export const readApiKeys = (bytes: Uint8Array | null): readonly ApiKey[] => {
  if (!bytes) return []
  try {
    return file.check(JSON.parse(text(bytes)), 'gateway keys').keys
  } catch (cause) {
    throw new KeepwellError('STORAGE_CORRUPT', 'The file of the gateway’s API keys cannot be read; restore it from a backup.', { cause })
  }
}

export const writeApiKeys = (keys: readonly ApiKey[]): Uint8Array => utf8(JSON.stringify({ v: 1, keys }, null, 2))

const PREFIX = 'kwk'

/** A new key, and the text that is shown once and then belongs to the system it was made for. */
export function newApiKey(
  input: Omit<ApiKey, 'id' | 'hash' | 'purpose'> & { readonly purpose: Purpose },
  random: (length: number) => Uint8Array,
): { readonly key: ApiKey; readonly shown: string } {
  const id = toHex(random(8))
  const secret = toBase64Url(random(32))
  return { key: { id, ...input, hash: toHex(sha256(utf8(secret))) }, shown: `${PREFIX}_${id}_${secret}` }
}

const counts = ({ until }: ApiKey, now: number): boolean => until === undefined || until > now
const lineOf = ({ id, line }: ApiKey): string => line ?? id

/**
 * Another key for the system of that name; those it has count until `overlap` seconds from now at most. What ended is forgotten. Throws NOT_FOUND
 * when no key of that name counts.
 */
export function renewApiKey(
  keys: readonly ApiKey[],
  { name, at, until, overlap }: { readonly name: string; readonly at: number; readonly until: number; readonly overlap: number },
  random: (length: number) => Uint8Array,
): { readonly keys: readonly ApiKey[]; readonly shown: string } {
  const kept = keys.filter(k => k.name !== name || counts(k, at))
  const [old] = kept.filter(k => k.name === name).sort((a, b) => b.at - a.at)
  ensure(old, 'NOT_FOUND', 'There is no key of that name that counts.')
  const { role, purpose } = old
  const { key, shown } = newApiKey({ name, role, purpose: purpose as Purpose, at, until, line: lineOf(old) }, random)
  const ended = (k: ApiKey): ApiKey => ({ ...k, until: Math.min(k.until ?? Number.POSITIVE_INFINITY, at + overlap) })
  return { keys: [...kept.map(k => (k.name === name ? ended(k) : k)), key], shown }
}

/** Keys that count now, end before `by`, and have none after them. */
export const endingSoon = (keys: readonly ApiKey[], now: number, by: number): readonly ApiKey[] =>
  keys.filter(k => counts(k, now) && !counts(k, by) && !keys.some(other => lineOf(other) === lineOf(k) && counts(other, by)))

/** Whether what an actor by API key was given rests on a key that counts; `basis` as in `Actor`. */
export const keyStands = (keys: readonly ApiKey[], basis: string, now: number): boolean =>
  keys.some(k => `key:${lineOf(k)}` === basis && counts(k, now))

const TOKEN = /^Bearer (kwk)_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/

/** Whether a request bears an API key, good or not. */
export const bearsApiKey = (headers: HttpRequest['headers']): boolean => (headers.authorization ?? '').startsWith(`Bearer ${PREFIX}_`)

const one = (value: string | string[] | undefined): string => (Array.isArray(value) ? (value[0] ?? '') : (value ?? '')).trim()

/**
 * The organisation's own systems by their keys. A system knows its users, so it may say in `X-Keepwell-Person`, `-Role` and `-Purpose` for
 * whom it asks, and in `X-Keepwell-Patient` at which patient: that is what the patient's receipt will say.
 */
export const byApiKey =
  (keys: () => Promise<readonly ApiKey[]>, clock: () => number): Authenticate =>
  async ({ headers }) => {
    const [, , id, secret = ''] = TOKEN.exec(headers.authorization ?? '') ?? []
    const key = id === undefined ? undefined : (await keys()).find(k => k.id === id)
    if (!key || !timingSafeEqual(fromHex(key.hash), sha256(utf8(secret))))
      throw new KeepwellError('UNAUTHENTICATED', 'There is no such key; ask who runs the gateway.')
    ensure(counts(key, clock()), 'UNAUTHENTICATED', 'This key has ended; ask who runs the gateway for a new one.')
    const actor: Actor = {
      person: named(headers, 'x-keepwell-person', 200) || key.name,
      role: named(headers, 'x-keepwell-role', 80) || key.role,
      purpose: purposeIn(one(headers['x-keepwell-purpose'])) ?? key.purpose,
      scopes: null,
      patient: one(headers['x-keepwell-patient']) || null,
      client: key.name,
      basis: `key:${lineOf(key)}`,
    }
    return actor
  }

const utf8Text = new TextDecoder('utf-8', { fatal: true })

/** Headers are bytes: names beyond ASCII come percent-encoded (RFC 3986) or as UTF-8 read as Latin-1. */
function named(headers: HttpRequest['headers'], name: string, max: number): string {
  const given = one(headers[name])
  let told = given
  try {
    if (/%[0-9A-Fa-f]{2}/.test(given)) told = decodeURIComponent(given)
    else if (/[\x80-\xff]/.test(given)) told = utf8Text.decode(Buffer.from(given, 'latin1'))
  } catch {
    // As it came.
  }
  ensure(told.length <= max && !/\p{Cc}/u.test(told), 'BAD_INPUT', `${name}: at most ${max} characters, none of control.`)
  return told
}

function purposeIn(text: string): Purpose | null {
  if (!text) return null
  const found = PURPOSES.find(p => p === text)
  ensure(found, 'BAD_INPUT', `x-keepwell-purpose: one of ${PURPOSES.join(', ')}.`)
  return found
}
