import { type Keeping, type Reading, sealedMark } from '#actions/sealed-mark'
import { toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { bool, bytes, type Infer, int, list, object, oneOf, optional, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { did } from '#identity/did'
import { accessRequest } from '#wire/messages'
import { CREDENTIAL_STATES } from './check-credential.ts'
import type { Arrival } from './receive-messages.ts'

const request = object({
  id: bytes(16),
  did,
  name: string(200),
  verified: bool,
  at: int(),
  request: accessRequest,
  /** Where whoever asks is reached; absent in what an older version kept. */
  relays: optional(list(string(300), 8)),
  /** What its credential was worth when it arrived; absent without one. */
  vouched: optional(oneOf(...CREDENTIAL_STATES)),
})
export type KeptRequest = Infer<typeof request>

/** A stranger may ask as often as they like; only the newest are kept. */
const MAX = 1000
const mark = sealedMark<readonly KeptRequest[]>('requests', list(request, MAX), [])

/** Requests for access that wait for an answer: sealed in this device's catalog, oldest first. */
export const waitingRequests = (ctx: Reading): Promise<readonly KeptRequest[]> => mark.read(ctx)

/** Keeps the requests among what arrived. The same request is kept once, however often it arrives. */
export async function keepRequests(ctx: Keeping, arrivals: readonly Arrival[]): Promise<void> {
  const fresh = arrivals.flatMap(a => (a.kind === 'request' ? [a] : []))
  if (!fresh.length) return
  const known = await waitingRequests(ctx)
  const seen = new Set(known.map(k => toHex(k.id)))
  const added = fresh.map(({ did: from, name, verified, at, request: r, relays, vouched }): KeptRequest => {
    const id = sha256(encode([from, at, r])).slice(0, 16)
    return { id, did: from, name, verified, at, request: r, relays: [...relays], ...(vouched ? { vouched } : {}) }
  })
  await mark.write(ctx, [...known, ...added.filter(a => !seen.has(toHex(a.id)))].slice(-MAX))
}

/** Forgets requests that were answered or declined; returns how many. */
export async function dropRequests(ctx: Keeping, drop: (r: KeptRequest) => boolean): Promise<number> {
  const known = await waitingRequests(ctx)
  const left = known.filter(k => !drop(k))
  if (left.length !== known.length) await mark.write(ctx, left)
  return known.length - left.length
}
