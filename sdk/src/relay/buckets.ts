import { readU64, text, toHex, u32be } from '#base/bytes'
import { KeepwellError } from '#base/error'
import { shredUnwrapper, shredWrap } from '#crypto/shred'
import type { Did } from '#identity/did'
import type { Rows } from '#ports/envelopes'
import type { RelayContext } from './context.ts'
import { at, BUCKET_SIZE, bucketOf, decodeStored, encodeStored, type StoredEnvelope, seqKey, shredName } from './schema.ts'

type Shredder = Pick<RelayContext, 'shred' | 'random' | 'memory'>

const MAX_CACHED_KEYS = 4096

async function keyNamed(ctx: Shredder, name: string): Promise<Uint8Array> {
  const cached = ctx.memory.bucketKeys.get(name)
  if (cached) return cached
  const key = await ctx.shred.get(name)
  if (!key) throw new KeepwellError('STORAGE_CORRUPT', 'A shred key is missing; its envelopes must be repaired from another relay.')
  cacheKey(ctx, name, key)
  return key
}

function cacheKey(ctx: Shredder, name: string, key: Uint8Array): void {
  const { bucketKeys } = ctx.memory
  if (bucketKeys.size >= MAX_CACHED_KEYS) bucketKeys.delete(bucketKeys.keys().next().value!)
  bucketKeys.set(name, key)
}

/** The key of a bucket in use, made and stored before any row is written under it. */
export async function bucketKey(ctx: Shredder, rows: Rows, vault: Did, bucket: number): Promise<Uint8Array> {
  const named = await rows.get('bucket', u32be(bucket))
  if (named) return keyNamed(ctx, text(named))
  const { name, key } = await freshKey(ctx, vault, bucket, 0)
  await rows.put('bucket', [{ key: u32be(bucket), value: at(name) }])
  return key
}

/** A new key for a bucket, durable before it is used. `salt` keeps the names of successive keys apart. */
export async function freshKey(ctx: Shredder, vault: Did, bucket: number, version: number): Promise<{ name: string; key: Uint8Array }> {
  const name = `${shredName(vault, bucket, version)}-${toHex(ctx.random(4))}`
  const key = ctx.random(32)
  await ctx.shred.put(name, key)
  cacheKey(ctx, name, key)
  return { name, key }
}

export const wrapEnvelope = (ctx: Shredder, key: Uint8Array, rowKey: Uint8Array, e: StoredEnvelope): Promise<Uint8Array> =>
  shredWrap(key, rowKey, encodeStored(e), ctx.random)

/** Reads wrapped envelopes, fetching each bucket's key once. */
export function envelopeReader(ctx: Shredder, rows: Pick<Rows, 'get'>) {
  const buckets = new Map<number, Promise<ReturnType<typeof shredUnwrapper>>>()
  const unwrapperOf = async (bucket: number): Promise<ReturnType<typeof shredUnwrapper>> => {
    const named = await rows.get('bucket', u32be(bucket))
    if (!named) throw new KeepwellError('STORAGE_CORRUPT', 'An envelope has no shred key; repair it from another relay.')
    return shredUnwrapper(await keyNamed(ctx, text(named)))
  }
  return async (rowKey: Uint8Array, seq: number, wrapped: Uint8Array): Promise<StoredEnvelope> => {
    const bucket = bucketOf(seq)
    const unwrap = buckets.get(bucket) ?? unwrapperOf(bucket)
    buckets.set(bucket, unwrap)
    return decodeStored(await (await unwrap)(rowKey, wrapped))
  }
}

/** Re-wraps a bucket's survivors under a new key; returns the name of the old one, to be destroyed after the commit. */
export async function rekeyBucket(ctx: Shredder, rows: Rows, vault: Did, bucket: number): Promise<string[]> {
  const named = await rows.get('bucket', u32be(bucket))
  if (!named) return []
  const old = text(named)
  const read = envelopeReader(ctx, rows)
  const first = bucket * BUCKET_SIZE
  const members = (await rows.scan('seq', { after: seqKey(Math.max(0, first - 1)), limit: BUCKET_SIZE })).filter(
    r => bucketOf(readU64(r.key)) === bucket,
  )
  const { name, key } = await freshKey(ctx, vault, bucket, Number(old.split('-')[2] ?? 0) + 1)
  const rewrapped = []
  for (const member of members) {
    const wrapped = await rows.get('env', member.value)
    if (!wrapped) continue
    const stored = await read(member.value, readU64(member.key), wrapped)
    rewrapped.push({ key: member.value, value: await wrapEnvelope(ctx, key, member.value, stored) })
  }
  await rows.put('env', rewrapped)
  await rows.put('bucket', [{ key: u32be(bucket), value: at(name) }])
  return [old]
}
