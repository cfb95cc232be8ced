import type { Arrival } from '@keepwell/sdk/actions/access/receive-messages'
import { type Keeping, type Reading, sealedMark } from '@keepwell/sdk/actions/sealed-mark'
import { toHex } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { bool, bytes, type Infer, int, list, object, optional, string } from '@keepwell/sdk/base/shape'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { did } from '@keepwell/sdk/identity/did'
import { accessRequest } from '@keepwell/sdk/wire/messages'

const request = object({
  id: bytes(16),
  did,
  name: string(200),
  verified: bool,
  at: int(),
  request: accessRequest,
  relays: optional(list(string(300), 8)),
})
const requests = list(request, 1000)
export type KeptRequest = Infer<typeof request>

const MAX = 1000
const mark = sealedMark<readonly KeptRequest[]>('requests', requests, [])

/** Requests for access that wait for an answer. */
export const waitingRequests = (ctx: Reading): Promise<readonly KeptRequest[]> => mark.read(ctx)
const write = (ctx: Keeping, kept: readonly KeptRequest[]): Promise<void> => mark.write(ctx, kept.slice(-MAX))

export async function keepRequests(ctx: Keeping, arrivals: readonly Arrival[]): Promise<void> {
  const fresh = arrivals.flatMap(a => (a.kind === 'request' ? [a] : []))
  if (!fresh.length) return
  const known = await waitingRequests(ctx)
  const seen = new Set(known.map(k => toHex(k.id)))
  const added = fresh.map(({ did: from, name, verified, at, request: r, relays }): KeptRequest => {
    const id = sha256(encode([from, at, r])).slice(0, 16)
    return { id, did: from, name, verified, at, request: r, relays: [...relays] }
  })
  await write(ctx, [...known, ...added.filter(a => !seen.has(toHex(a.id)))])
}

/** Forgets a request that was answered or declined. */
export async function dropRequest(ctx: Keeping, id: string): Promise<void> {
  const known = await waitingRequests(ctx)
  const left = known.filter(k => toHex(k.id) !== id)
  if (left.length !== known.length) await write(ctx, left)
}
