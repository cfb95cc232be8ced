import type { Arrival } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { concat, toHex, utf8 } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { bool, bytes, decodeAs, type Infer, int, list, object, string } from '@keepwell/sdk/base/shape'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { aeadOpen } from '@keepwell/sdk/crypto/open'
import { aeadSeal } from '@keepwell/sdk/crypto/seal'
import { did } from '@keepwell/sdk/identity/did'
import { accessRequest } from '@keepwell/sdk/wire/messages'

const request = object({ id: bytes(16), did, name: string(200), verified: bool, at: int(), request: accessRequest })
const requests = list(request, 1000)
export type KeptRequest = Infer<typeof request>

const MARK = 'requests'
const AAD = utf8('keepwell/v1/requests')
const NONCE = 12

type Keeping = Pick<Ctx, 'catalog' | 'session' | 'random'>

/** Requests for access that wait for an answer: sealed among the catalog's marks. */
export async function waitingRequests(ctx: Pick<Keeping, 'catalog' | 'session'>): Promise<KeptRequest[]> {
  const sealed = await ctx.catalog.marked(MARK)
  if (!sealed) return []
  const key = ctx.session.state.ring.catalog
  return decodeAs(requests, await aeadOpen({ key, nonce: sealed.subarray(0, NONCE), aad: AAD, ciphertext: sealed.subarray(NONCE) }))
}

async function write(ctx: Keeping, kept: readonly KeptRequest[]): Promise<void> {
  const nonce = ctx.random(NONCE)
  const key = ctx.session.state.ring.catalog
  await ctx.catalog.mark(MARK, concat(nonce, await aeadSeal({ key, nonce, aad: AAD, plaintext: encode(kept.slice(-1000)) })))
}

export async function keepRequests(ctx: Keeping, arrivals: readonly Arrival[]): Promise<void> {
  const fresh = arrivals.flatMap(a => (a.kind === 'request' ? [a] : []))
  if (!fresh.length) return
  const known = await waitingRequests(ctx)
  const seen = new Set(known.map(k => toHex(k.id)))
  const added = fresh.map(({ did: from, name, verified, at, request: r }): KeptRequest => {
    const id = sha256(encode([from, at, r])).slice(0, 16)
    return { id, did: from, name, verified, at, request: r }
  })
  await write(ctx, [...known, ...added.filter(a => !seen.has(toHex(a.id)))])
}

/** Forgets a request that was answered or declined. */
export async function dropRequest(ctx: Keeping, id: string): Promise<void> {
  const known = await waitingRequests(ctx)
  const left = known.filter(k => toHex(k.id) !== id)
  if (left.length !== known.length) await write(ctx, left)
}
