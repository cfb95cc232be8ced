import type { Ctx } from '#actions/context'
import { homeLedger } from '#actions/vault/calls'
import { type Evidence, evidence, forLedger, type SignedHead } from '#audit/evidence'
import { type LogHead, logHead, readLogHead } from '#audit/head'
import { equal } from '#base/bytes'
import { encode } from '#base/cbor'
import { isKeepwellError } from '#base/error'
import { decodeAs, int, object, string } from '#base/shape'
import type { Ledger, Written } from '#ports/ledger'
import type { Relay } from '#ports/relay'
import { checkLogHead, type RelayParty } from './check-receipt.ts'
import { type Compared, compareHeads } from './compare-heads.ts'

/** What does not hold; `evidence` proves it to the ledger, where it can be proven. */
export type Problem = { readonly seq: number; readonly code: string; readonly message: string; readonly evidence?: Evidence }
/** What the ledger holds of a log; `written`: by which transaction, in which block and when, where the ledger tells. */
export type Anchored = { readonly size: number; readonly time: number; readonly root: Uint8Array; readonly written: Written | null }
/** Since when (Unix seconds), and from how many entries on, this device saw the log only grow. */
export type Unbroken = { readonly since: number; readonly from: number }
export type LogChecked = {
  readonly logSize: number
  readonly anchored: Anchored | null
  /** Null when it is broken. */
  readonly unbroken: Unbroken | null
  readonly problems: readonly Problem[]
}

type Checking = Pick<Ctx, 'clock' | 'network' | 'catalog' | 'session'>

const followed = object({ since: int(), from: int() })
const kept = object({ seq: int(), code: string(40), message: string(400), evidence })

/** The transaction that anchored a head, when it is the one the ledger holds now. */
export async function writtenBy(
  { trail }: Pick<Ledger, 'trail'>,
  log: string,
  anchored: Omit<Anchored, 'written'>,
): Promise<Written | null> {
  const found = await trail.published(log)
  const { size, time, root } = found?.sent.head ?? { size: -1, time: 0, root: new Uint8Array(0) }
  return found && size === anchored.size && time === anchored.time && equal(root, anchored.root) ? found.written : null
}

/**
 * The log against what this device saw before, and against the ledger. What was once proven against it stays a problem, with its proof, whatever the
 * relay shows later.
 */
export async function checkLog(ctx: Checking, relay: Relay, party: RelayParty): Promise<LogChecked> {
  const problems: Problem[] = []
  // What it is compared with comes first: a busy relay may grow and anchor between two questions, and the head shown before would not hold that.
  const ledger = await homeLedger(ctx)
  const latest = await ledger.trail.latest(party.request)
  const mark = `log-head/${party.did}`
  const seen = await ctx.catalog.marked(mark)
  const head = await relay.head()
  const message = await checkLogHead(party, head)
  const before = seen ? decodeAs(logHead, seen) : null
  const grown = before ? await continued(relay, before, head) : null
  if (grown) problems.push(grown)
  else await ctx.catalog.mark(mark, encode(head))
  if (latest?.forked) problems.push({ seq: 0, code: 'FORKED', message: 'The ledger holds proof that this relay showed two histories.' })
  const anchored = latest && latest.size > 0 ? { size: latest.size, time: latest.time, root: latest.root } : null
  const other = anchored && (await notAnchored(ledger, relay, { anchored, head }))
  if (other) problems.push(other)
  const told = [...(await provenBefore(ctx, party, problems)), ...problems]
  return {
    logSize: message.size,
    anchored: anchored && { ...anchored, written: await writtenBy(ledger, party.request, anchored) },
    unbroken: told.length ? null : await following(ctx, party, before ? readLogHead(before.signed).size : message.size),
    problems: told,
  }
}

/** Since when this device follows the log; of one that it followed before it counted, since now, from what it saw last. */
async function following({ catalog, clock }: Checking, { did }: RelayParty, from: number): Promise<Unbroken> {
  const mark = `log-since/${did}`
  const known = await catalog.marked(mark)
  if (known) return decodeAs(followed, known)
  const unbroken = { since: clock(), from }
  await catalog.mark(mark, encode(unbroken))
  return unbroken
}

/** Keeps the first thing that was proven, and gives it when it is not told anew. */
async function provenBefore({ catalog }: Checking, { did }: RelayParty, problems: readonly Problem[]): Promise<Problem[]> {
  const mark = `log-proof/${did}`
  const before = await catalog.marked(mark)
  if (before) return problems.some(p => p.evidence) ? [] : [decodeAs(kept, before)]
  const found = problems.find(p => p.evidence)
  if (found) await catalog.mark(mark, encode(found))
  return []
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
  { anchored, head }: { readonly anchored: Omit<Anchored, 'written'>; readonly head: LogHead },
): Promise<Problem | null> {
  const shown = forLedger(head)
  const { size, root } = anchored
  try {
    const old: SignedHead = { head: { ...shown.head, ...anchored }, signature: shown.signature }
    if (size <= shown.head.size && (await compareHeads(relay, old, shown)).consistent) return null
    const sent = (await ledger.trail.published(shown.head.log))?.sent
    const same = sent && sent.head.size === size && equal(sent.head.root, root)
    const found = same ? proven(await compareHeads(relay, sent, shown)) : {}
    return { seq: 0, code: 'FORKED', message: 'The relay’s log is not the one it anchored on the ledger.', ...found }
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return { seq: 0, code: e.code, message: e.message }
  }
}
