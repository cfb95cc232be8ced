import type { GetPage } from '@keepwell/adapters/hooks/get'
import { field, isObject, list, string } from '@keepwell/sdk/health/fhir/read'
import type { JWK } from 'jose'

/** Public keys of apps that keep them at an address of their own (SMART App Launch 2.2 §registering, “URL to JWK Set”). */
export type ClientKeys = {
  /**
   * Sees to it that what `held` gives is no older than the app's own server said it may be, and asks anew for a key that is not among them.
   * Never throws: without keys nobody proves anything.
   */
  prepare(uri: string, kid: string | null): Promise<void>
  /** Keys as they were asked for last; none when that failed. */
  held(uri: string): readonly JWK[]
}

type Kept = { keys: readonly JWK[]; freshUntil: number; askedAt: number }

const MAX_BYTES = 64 << 10
const MOST_KEYS = 100
const MOST_ADDRESSES = 500
const PATIENCE = 2500
/** For a set that comes without a word about how long it stands, and the longest whatever it says; seconds. */
const UNSAID = 60
const LONGEST = 86_400
/** After a failure, or for a key that was not there, an address is not asked again for so long. */
const PAUSE = 10

export function clientKeys(get: GetPage, clock: () => number): ClientKeys {
  const known = new Map<string, Kept>()
  const asking = new Map<string, Promise<void>>()

  async function ask(uri: string): Promise<void> {
    const askedAt = clock()
    const before = known.get(uri)
    const answer = await get(uri, { accept: 'application/jwk-set+json, application/json', max: MAX_BYTES, timeout: PATIENCE }).catch(
      () => null,
    )
    const keys = answer?.status === 200 ? keysIn(answer.body) : null
    known.delete(uri)
    if (known.size >= MOST_ADDRESSES) known.delete(known.keys().next().value!)
    // A set that still stands is not lost because somebody named a key that is not in it while its server was away.
    const left = before && clock() < before.freshUntil ? before : { keys: [], freshUntil: askedAt + PAUSE }
    known.set(uri, keys ? { keys, freshUntil: askedAt + lifetime(answer!.headers, askedAt), askedAt } : { ...left, askedAt })
  }
  function askOnce(uri: string): Promise<void> {
    const run = asking.get(uri) ?? ask(uri).finally(() => asking.delete(uri))
    asking.set(uri, run)
    return run
  }

  return {
    async prepare(uri, kid) {
      const kept = known.get(uri)
      const stale = !kept || clock() >= kept.freshUntil
      const missing = kept && !kept.keys.some(k => k.kid === kid) && clock() >= kept.askedAt + PAUSE
      if (stale || missing || asking.has(uri)) await askOnce(uri)
    },
    held: uri => known.get(uri)?.keys ?? [],
  }
}

/** Seconds that a set may be kept: as its own server says (RFC 9111 §5.2.2, §5.3), never longer. */
function lifetime(headers: Readonly<Record<string, string>>, now: number): number {
  const said = headers['cache-control']?.toLowerCase() ?? ''
  if (/\bno-(store|cache)\b/.test(said)) return 0
  const age = /\bmax-age="?(\d{1,9})/.exec(said)?.[1]
  const expires = headers.expires === undefined ? Number.NaN : Date.parse(headers.expires)
  const seconds = age !== undefined ? Number(age) : headers.expires === undefined ? UNSAID : expires / 1000 - now
  return Number.isFinite(seconds) ? Math.max(0, Math.min(LONGEST, seconds)) : 0
}

const SECRET = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** The public keys of a set that name themselves; null for what is no set. A set that gives a secret away counts for nothing. */
function keysIn(bytes: Uint8Array): JWK[] | null {
  let set: unknown
  try {
    set = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return null
  }
  if (!isObject(set) || !Array.isArray(set.keys) || set.keys.length > MOST_KEYS) return null
  const keys = list(set.keys)
  if (keys.some(k => isObject(k) && SECRET.some(name => k[name] !== undefined))) return null
  return keys.filter(k => string(field(k, 'kid')) !== null && ['RSA', 'EC'].includes(string(field(k, 'kty')) ?? '')) as JWK[]
}
