import type { Ctx } from '#actions/context'
import { callRelay, homeLedger, homeRelay, ownBundle } from '#actions/vault/calls'
import { type LogHead, readLogHead } from '#audit/head'
import { BEGINNING, type TrailProof, type TrailStart } from '#audit/trail-proof'
import { ensure } from '#base/error'
import { type Bundle, bundleMessage } from '#identity/bundle'
import type { Did } from '#identity/did'
import { peek } from '#identity/signed'
import type { Relay } from '#ports/relay'
import { writtenBy } from './check-log.ts'
import { relayParty } from './check-receipt.ts'
import { checkTrailProof } from './check-trail-proof.ts'
import { openReceipt } from './verify-trail.ts'

type Proving = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>
type Page = TrailProof['pages'][number]

/**
 * The vault's trail for somebody else to check: a lawyer, a court, a regulator; the whole, or at most `most` pages of it from somewhere on. Everything in it was checked as they will check it; throws
 * BAD_PROOF when it would not hold. It gives away who read, as whom, when and what for, which records by random number, and no record.
 */
export async function proveTrail(ctx: Proving, from: TrailStart = BEGINNING, most = Number.POSITIVE_INFINITY): Promise<TrailProof> {
  const relay = await homeRelay(ctx)
  const party = await relayParty(ctx, relay)
  const contract = party.manifestHere['AuditTrail@1']
  ensure(contract, 'NOT_SUPPORTED', 'The relay’s ledger has no AuditTrail.')
  const ledger = await homeLedger(ctx)
  const latest = await ledger.trail.latest(party.request)
  const written = latest?.size ? await writtenBy(ledger, party.request, latest) : null
  const pages: Omit<Page, 'grown'>[] = []
  const readers = new Map<string, { readonly did: Did; readonly version: number }>()
  let { after, prev } = from
  while (pages.length < most) {
    const { receipts, head } = await callRelay(ctx, relay, 'receipts', { after, limit: 256 })
    const opened: Page['receipts'] = []
    for (const { sealed, path } of receipts) {
      ensure(sealed.seq === after + 1, 'OMISSION', `Receipt ${after + 1} is missing.`)
      const receipt = await openReceipt(ctx, party, sealed, prev)
      readers.set(`${receipt.call.from} ${receipt.call.version}`, { did: receipt.call.from, version: receipt.call.version })
      opened.push({ receipt, index: sealed.index, path })
      prev = sealed.hash
      after = sealed.seq
    }
    if (!opened.length) break
    pages.push({ head, receipts: opened })
  }
  const last = pages.at(-1)?.head
  const proof: TrailProof = {
    v: 1,
    vault: ctx.session.state.ring.did,
    madeAt: ctx.clock(),
    relay: (await relay.info()).bundle,
    chainId: party.chainHere,
    contract,
    pages: await Promise.all(pages.map(async p => ({ ...p, grown: await between(relay, p.head, last!) }))),
    anchored: latest?.size && last ? { ...(await anchoredUnder(relay, latest, last)), ...(written ? { written } : {}) } : null,
    readers: await bundlesOf(ctx, relay, [...readers.values()]),
  }
  const { problems } = await checkTrailProof(proof, from)
  ensure(!problems.length, 'BAD_PROOF', problems[0]?.message ?? '')
  return proof
}

const sizeOf = (h: LogHead): number => readLogHead(h.signed).size
const between = async (relay: Relay, from: LogHead, to: LogHead): Promise<Uint8Array[]> =>
  sizeOf(from) === sizeOf(to) ? [] : relay.consistency(sizeOf(from), sizeOf(to))

/** What the ledger held before the receipts were asked for is the beginning of what they lie in. */
async function anchoredUnder(
  relay: Relay,
  { size, time, root }: { readonly size: number; readonly time: number; readonly root: Uint8Array },
  last: LogHead,
): Promise<NonNullable<TrailProof['anchored']>> {
  const to = sizeOf(last)
  return { size, time, root, proof: size === to ? [] : await relay.consistency(size, to) }
}

/** Keys of readers, as far as they are to be had. */
async function bundlesOf(
  ctx: Proving,
  relay: Relay,
  readers: readonly { readonly did: Did; readonly version: number }[],
): Promise<Bundle[]> {
  const own = ownBundle(ctx.session.state.ring)
  const { did, version } = peek(own.signed, bundleMessage)
  const found = await Promise.all(readers.map(r => (r.did === did && r.version === version ? own : relay.bundle(r.did, r.version))))
  return found.flatMap(b => b ?? [])
}
