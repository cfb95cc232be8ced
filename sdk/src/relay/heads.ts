import { type LogHead, type LogHeadMessage, logHead, logHeadHash, readLogHead, signTrailHead } from '#audit/head'
import { encode } from '#base/cbor'
import { ensure } from '#base/error'
import { decodeAs } from '#base/shape'
import { consistencyProofFrom, inclusionProofFrom, rootFrom } from '#crypto/merkle'
import { secpAddress } from '#crypto/secp'
import { sign } from '#identity/signed'
import type { Log } from '#ports/log'
import { inTurn, type RelayContext } from './context.ts'
import { at } from './schema.ts'

const nodeOf = (log: Log) => async (level: number, index: number) => {
  const hash = await log.node(level, index)
  ensure(hash, 'STORAGE_CORRUPT', 'The log lacks a node it must have.')
  return hash
}

export const trailContract = (ctx: Pick<RelayContext, 'ledger'>) => ({
  chainId: ctx.ledger.chainId,
  contract: ctx.ledger.manifest['AuditTrail@1']!,
})

async function lastPublished(ctx: RelayContext): Promise<LogHead | null> {
  const value = await ctx.envelopes.read('', rows => rows.get('own', at('published-head')))
  return value ? decodeAs(logHead, value) : null
}

async function signHead(ctx: RelayContext, size: number): Promise<LogHead> {
  const published = await lastPublished(ctx)
  if (published && readLogHead(published.signed).size === size) return published
  const message: LogHeadMessage = {
    v: 1,
    log: secpAddress(ctx.keys.request),
    size,
    root: await rootFrom(nodeOf(ctx.log), size),
    // The ledger refuses heads that go back in time; a clock that was set back must not keep the log from being published.
    time: Math.max(ctx.clock(), published ? readLogHead(published.signed).time : 0),
    previous: published ? logHeadHash(published.signed) : new Uint8Array(32),
  }
  const { did, version, signing } = ctx.keys
  return {
    signed: await sign({ did, version, signing }, 'log-head', message),
    ledger: signTrailHead(ctx.keys.request, trailContract(ctx), message),
  }
}

/** A signed head of the log as it is now. */
export const currentHead = async (ctx: RelayContext): Promise<LogHead> => signHead(ctx, await ctx.log.size())

/** Proof that the leaf at `index` is under the head returned. */
export async function proveInclusion(ctx: RelayContext, index: number): Promise<{ index: number; path: Uint8Array[]; head: LogHead }> {
  const head = await currentHead(ctx)
  const { size } = readLogHead(head.signed)
  return { index, path: await inclusionProofFrom(nodeOf(ctx.log), index, size), head }
}

export const inclusionPath = (ctx: RelayContext, index: number, size: number): Promise<Uint8Array[]> =>
  inclusionProofFrom(nodeOf(ctx.log), index, size)

export async function proveConsistency(ctx: RelayContext, from: number, to: number): Promise<Uint8Array[]> {
  const size = await ctx.log.size()
  ensure(from >= 0 && from <= to && to <= size, 'BAD_INPUT', `The log has ${size} leaves.`)
  return from === 0 || from === to ? [] : consistencyProofFrom(nodeOf(ctx.log), from, to)
}

/** Anchors the current head in AuditTrail, if the log grew since the last one. */
export const publishHead = (ctx: RelayContext): Promise<boolean> =>
  inTurn(ctx, 'publish-head', async () => {
    const size = await ctx.log.size()
    const before = await lastPublished(ctx)
    if (size === 0 || (before && readLogHead(before.signed).size === size)) return false
    const head = await signHead(ctx, size)
    await ctx.ledger.trail.publish(readLogHead(head.signed), head.ledger)
    await ctx.envelopes.transact('', rows => rows.put('own', [{ key: at('published-head'), value: encode(head) }]))
    return true
  })
