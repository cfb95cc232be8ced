import type { RelayParty } from '#actions/access/check-receipt'
import { compareHeads } from '#actions/access/compare-heads'
import { checkpointOf, cosign } from '#audit/cosign'
import { forLedger, type SignedHead } from '#audit/evidence'
import { type LogHead, readLogHead } from '#audit/head'
import { equal } from '#base/bytes'
import { decode } from '#base/cbor'
import type { Party } from '#identity/bundle'
import type { Ledger, Manifest } from '#ports/ledger'
import type { Relay } from '#ports/relay'
import { charged, cleared, disputes, type Followed, type WitnessCtx } from './followed.ts'

/** The relay as it was when it was first met: what it says of its own ledger now counts for nothing. */
export const pinnedParty = (f: Followed, party: Party): RelayParty => ({
  ...party,
  manifestHere: decode(f.manifest) as Manifest,
  chainHere: f.chainId,
})

/** A head against everything that is kept of its log. */
async function against(
  relay: Relay,
  f: Followed,
  head: SignedHead,
  other: SignedHead,
  now: number,
): Promise<{ readonly f: Followed; readonly agrees: boolean }> {
  const found = await compareHeads(relay, other, head)
  if (found.consistent) return { f, agrees: true }
  if (found.evidence) return { f: charged(f, 'fork', now, found.evidence), agrees: false }
  return { f: charged(f, 'unproven', now), agrees: false }
}

/** The newest head that the relay shows. `before` was known when it was asked for, so a shorter log is one that was cut. */
export async function judgeHead(ctx: Pick<WitnessCtx, 'clock' | 'key'>, relay: Relay, before: Followed, head: LogHead): Promise<Followed> {
  const now = ctx.clock()
  const shown = forLedger(head)
  let f = before
  const last = f.head && forLedger(f.head)
  const known = last ? await against(relay, f, shown, last, now) : { f, agrees: true }
  f = known.f
  if (!known.agrees) f = disputes(f, shown)
  if (last && shown.head.size < last.head.size) f = charged(f, 'shorter', now)
  else if (known.agrees) f = await adopt(ctx, f, head)
  return settleDisputes(relay, f, shown, now)
}

/** From now on this is the head that all later ones must continue. */
export async function adopt(ctx: Pick<WitnessCtx, 'clock' | 'key'>, f: Followed, head: LogHead): Promise<Followed> {
  const cosignature = await cosign(ctx.key.seed, ctx.clock(), checkpointOf(f.chainId, readLogHead(head.signed)))
  return { ...f, head, cosignature }
}

/** Heads that could not be proven before may be now, one way or the other: the log grew, or shows more. */
async function settleDisputes(relay: Relay, before: Followed, shown: SignedHead, now: number): Promise<Followed> {
  let f = before
  const last = f.head && forLedger(f.head)
  const open: SignedHead[] = []
  for (const head of f.disputed) {
    const found = await Promise.all([shown, ...(last ? [last] : [])].map(other => compareHeads(relay, other, head)))
    if (found.every(c => c.consistent)) continue
    open.push(head)
    const proof = found.find(c => !c.consistent && c.evidence)
    f = proof && !proof.consistent && proof.evidence ? charged(f, 'fork', now, proof.evidence) : charged(f, 'unproven', now)
  }
  f = { ...f, disputed: open }
  return open.length ? f : cleared(f, 'unproven', now)
}

/** What the ledger held before the head was asked for must be its beginning; and what grew must be there in time. */
export async function judgeAnchor(
  ctx: Pick<WitnessCtx, 'clock' | 'promise'>,
  before: Followed,
  {
    relay,
    ledger,
    latest,
    head,
  }: {
    readonly relay: Relay
    readonly ledger: Ledger
    readonly latest: Awaited<ReturnType<Ledger['trail']['latest']>>
    readonly head: LogHead
  },
): Promise<Followed> {
  const now = ctx.clock()
  const { size } = readLogHead(head.signed)
  let f = before
  if (latest?.forked) f = charged(f, 'fork', now)
  const anchored = latest && latest.size > 0 ? { size: latest.size, root: latest.root, time: latest.time } : null
  if (anchored && !(await continues(relay, anchored, head))) {
    f = charged(f, 'anchored', now)
    const published = (await ledger.trail.published(f.log))?.sent
    const same = published && published.head.size === anchored.size && equal(published.head.root, anchored.root)
    if (same) f = (await against(relay, f, forLedger(head), published, now)).f
  }
  const held = anchored?.size ?? 0
  const waiting = size <= held ? null : f.waiting && held < f.waiting.size ? f.waiting : { size, since: now }
  f = { ...f, anchored, waiting }
  return waiting && now - waiting.since > ctx.promise ? charged(f, 'late', now) : cleared(f, 'late', now)
}

/** The same question as for two signed heads; of this one the ledger kept no signature. */
async function continues(
  relay: Relay,
  anchored: { readonly size: number; readonly root: Uint8Array; readonly time: number },
  head: LogHead,
): Promise<boolean> {
  const signed = forLedger(head)
  const old: SignedHead = { head: { ...signed.head, ...anchored }, signature: signed.signature }
  return old.head.size <= signed.head.size && (await compareHeads(relay, old, signed)).consistent
}
