import { checkLogHead } from '#actions/access/check-receipt'
import { trustBundle } from '#actions/vault/calls'
import { accuses, type Evidence } from '#audit/evidence'
import { decode } from '#base/cbor'
import { ensure, isKeepwellError } from '#base/error'
import type { Party } from '#identity/bundle'
import type { Ledger, Manifest } from '#ports/ledger'
import type { Relay } from '#ports/relay'
import { charged, cleared, domainOf, type Followed, inTurn, readFollowed, type WitnessCtx, writeFollowed } from './followed.ts'
import { judgeAnchor, judgeHead, pinnedParty } from './judge.ts'

/** What is wrong with something that was shown and signed; all other errors say only that nothing was answered. */
const FORGED = ['BAD_SIGNATURE', 'BAD_INPUT', 'BAD_CBOR', 'BUNDLE_ROLLBACK'] as const

/**
 * One look at one relay's log: the ledger first, then the head, then whether the head continues what was seen and what is anchored. What is
 * found is kept before anybody is told, proof is brought to the ledger, and the operator hears of what is new. A relay that is met for the first
 * time is taken at its word as to who it is, unless `expected` names it; from then on it stays that one.
 */
export const look = (ctx: WitnessCtx, { url, expected }: { readonly url: string; readonly expected?: string }): Promise<Followed> =>
  inTurn(ctx, url, async () => {
    const relay = await ctx.network.relay(url)
    const known = await readFollowed(ctx, url)
    let f = known ?? (await meet(ctx, relay, url, expected))
    try {
      f = await judged(ctx, relay, f)
      f = { ...cleared(f, 'silent', ctx.clock()), looked: ctx.clock(), failing: null }
    } catch (e) {
      if (!isKeepwellError(e)) throw e
      f = unanswered(ctx, f)
    }
    await writeFollowed(ctx, f)
    return spread(ctx, f)
  })

async function meet(ctx: WitnessCtx, relay: Relay, url: string, expected: string | undefined): Promise<Followed> {
  const { did, bundle, chainId, manifest } = await relay.info()
  ensure(expected === undefined || did === expected, 'BAD_SIGNATURE', 'Another relay answers at this address than the one named.')
  const party = await trustBundle(ctx, bundle)
  ensure(party.did === did, 'BAD_SIGNATURE', 'The relay shows another party’s bundle.')
  const contract = (decode(manifest) as Manifest)['AuditTrail@1']
  ensure(contract, 'NOT_SUPPORTED', 'The relay’s ledger has no AuditTrail.')
  const now = ctx.clock()
  const empty = { looked: null, failing: null, head: null, cosignature: null, anchored: null, waiting: null, disputed: [], charges: [] }
  return { v: 1, url, did, bundle, log: party.request, chainId, manifest, contract, since: now, ...empty }
}

/** The relay's keys as they are now; null when somebody else answers at its address. */
async function stillThere(ctx: WitnessCtx, relay: Relay, f: Followed): Promise<{ readonly party: Party; readonly f: Followed } | null> {
  const { did, bundle, chainId, manifest } = await relay.info()
  if (did !== f.did || chainId !== f.chainId || !holdsAll(manifest, f.manifest)) return null
  const party = await trustBundle(ctx, bundle)
  const before = await trustBundle(ctx, f.bundle)
  ensure(party.did === did && party.version >= before.version, 'BUNDLE_ROLLBACK', 'The relay shows a key bundle older than before.')
  return party.request === f.log ? { party, f: { ...f, bundle, manifest } } : null
}

/** A ledger gets contracts that it did not have, as the software behind it grows; none of those it had is another. */
function holdsAll(now: Uint8Array, before: Uint8Array): boolean {
  const has = decode(now) as Manifest
  return Object.entries(decode(before) as Manifest).every(([name, address]) => has[name] === address)
}

async function genuine<T>(work: () => Promise<T>): Promise<T | 'forged'> {
  try {
    return await work()
  } catch (e) {
    if (isKeepwellError(e) && FORGED.some(c => c === e.code)) return 'forged'
    throw e
  }
}

async function judged(ctx: WitnessCtx, relay: Relay, before: Followed): Promise<Followed> {
  const there = await genuine(() => stillThere(ctx, relay, before))
  if (there === 'forged') return charged(before, 'forged', ctx.clock())
  if (!there) return charged(before, 'replaced', ctx.clock())
  const ledger = await ctx.ledger(before)
  // The ledger first: a busy relay may anchor a longer log between two questions, which the head shown before would not hold.
  const latest = await ledger.trail.latest(before.log)
  const head = await relay.head()
  const checked = await genuine(() => checkLogHead(pinnedParty(before, there.party), head))
  if (checked === 'forged') return charged(before, 'forged', ctx.clock())
  const f = await judgeHead(ctx, relay, there.f, head)
  return judgeAnchor(ctx, f, { relay, ledger, latest, head })
}

function unanswered(ctx: WitnessCtx, f: Followed): Followed {
  const now = ctx.clock()
  const failing = f.failing ?? now
  return now - failing > ctx.promise ? charged({ ...f, failing }, 'silent', now) : { ...f, failing }
}

/** Brings proof to the ledger and news to the operator. What fails stays to be done at the next look. */
export async function spread(ctx: WitnessCtx, before: Followed): Promise<Followed> {
  let f = before
  for (const c of f.charges.filter(x => x.evidence && x.tx === null)) {
    const tx = await bring(ctx, f, c.evidence!).catch(failedQuietly)
    if (tx) f = { ...f, charges: f.charges.map(x => (x.kind === c.kind && x.since === c.since ? { ...x, tx } : x)) }
  }
  for (const c of f.charges.filter(x => !x.told)) {
    const { url, log } = f
    const told = await ctx.tell({ url, log, kind: c.kind, since: c.since, tx: c.tx }).then(() => true, failedQuietly)
    if (told) f = { ...f, charges: f.charges.map(x => (x.kind === c.kind && x.since === c.since ? { ...x, told: true } : x)) }
  }
  if (f !== before) await writeFollowed(ctx, f)
  return f
}

function failedQuietly(e: unknown): null {
  if (!isKeepwellError(e)) throw e
  return null
}

/** Only what AuditTrail would accept is sent: whoever pays for reports is not made to pay for nonsense. */
export async function bring(ctx: Pick<WitnessCtx, 'ledger'>, f: Followed, e: Evidence): Promise<string> {
  ensure(accuses(domainOf(f), e) === f.log, 'BAD_PROOF', 'That does not prove anything against this log.')
  const { trail }: Pick<Ledger, 'trail'> = await ctx.ledger(f)
  const { tx } = e.kind === 'fork' ? await trail.reportFork(e) : await trail.reportInconsistency(e)
  return tx
}
