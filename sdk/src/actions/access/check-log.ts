import type { Ctx } from '#actions/context'
import { homeLedger } from '#actions/vault/calls'
import { type Evidence, forLedger, type SignedHead } from '#audit/evidence'
import { type LogHead, logHead, readLogHead } from '#audit/head'
import { equal } from '#base/bytes'
import { encode } from '#base/cbor'
import { isKeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import type { Ledger } from '#ports/ledger'
import type { Relay } from '#ports/relay'
import { checkLogHead, type RelayParty } from './check-receipt.ts'
import { type Compared, compareHeads } from './compare-heads.ts'

/** What does not hold; `evidence` proves it to the ledger, where it can be proven. */
export type Problem = { readonly seq: number; readonly code: string; readonly message: string; readonly evidence?: Evidence }
export type Anchored = { readonly size: number; readonly time: number; readonly root: Uint8Array }
export type LogChecked = { readonly logSize: number; readonly anchored: Anchored | null; readonly problems: readonly Problem[] }

type Checking = Pick<Ctx, 'network' | 'catalog' | 'session'>

/** The log against what this device saw before, and against the ledger. */
export async function checkLog(ctx: Checking, relay: Relay, party: RelayParty): Promise<LogChecked> {
  const problems: Problem[] = []
  // What it is compared with comes first: a busy relay may grow and anchor between two questions, and the head shown before would not hold that.
  const ledger = await homeLedger(ctx)
  const latest = await ledger.trail.latest(party.request)
  const mark = `log-head/${party.did}`
  const kept = await ctx.catalog.marked(mark)
  const head = await relay.head()
  const message = await checkLogHead(party, head)
  const before = kept ? decodeAs(logHead, kept) : null
  const grown = before ? await continued(relay, before, head) : null
  if (grown) problems.push(grown)
  else await ctx.catalog.mark(mark, encode(head))
  if (latest?.forked) problems.push({ seq: 0, code: 'FORKED', message: 'The ledger holds proof that this relay showed two histories.' })
  const anchored = latest && latest.size > 0 ? { size: latest.size, time: latest.time, root: latest.root } : null
  const other = anchored && (await notAnchored(ledger, relay, { anchored, head }))
  if (other) problems.push(other)
  return { logSize: message.size, anchored: latest ? { size: latest.size, time: latest.time, root: latest.root } : null, problems }
}

const proven = (found: Compared): { readonly evidence?: Evidence } =>
  !found.consistent && found.evidence ? { evidence: found.evidence } : {}

/** Null when the later head continues the earlier one, which was known before it was asked for. */
export async function continued(relay: Relay, before: LogHead, after: LogHead): Promise<Problem | null> {
  const shorter = readLogHead(after.signed).size < readLogHead(before.signed).size
  try {
    const found = await compareHeads(relay, forLedger(before), forLedger(after))
    if (shorter) return { seq: 0, code: 'FORKED', message: 'The relay’s log became shorter.', ...proven(found) }
    if (found.consistent) return null
    return { seq: 0, code: 'FORKED', message: 'The relay shows two different histories.', ...proven(found) }
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return { seq: 0, code: e.code, message: e.message }
  }
}

/** Null when the log as shown continues the head that the ledger holds. The ledger keeps no signature of it, but who brought it sent one. */
async function notAnchored(
  ledger: Ledger,
  relay: Relay,
  { anchored, head }: { readonly anchored: Anchored; readonly head: LogHead },
): Promise<Problem | null> {
  const shown = forLedger(head)
  const { size, root } = anchored
  try {
    const old: SignedHead = { head: { ...shown.head, ...anchored }, signature: shown.signature }
    if (size <= shown.head.size && (await compareHeads(relay, old, shown)).consistent) return null
    const sent = await ledger.trail.published(shown.head.log)
    const same = sent && sent.head.size === size && equal(sent.head.root, root)
    const found = same ? proven(await compareHeads(relay, sent, shown)) : {}
    return { seq: 0, code: 'FORKED', message: 'The relay’s log is not the one it anchored on the ledger.', ...found }
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return { seq: 0, code: e.code, message: e.message }
  }
}
