import type { Ctx } from '#actions/context'
import { type LogHead, readLogHead } from '#audit/head'
import { readReceipt, receiptHash } from '#audit/receipt'
import { AUDIT, BEGINNING, type TrailPart, type TrailProof, type TrailStart, trailPart } from '#audit/trail-proof'
import { equal, toHex } from '#base/bytes'
import { ensure } from '#base/error'
import { decodeAs } from '#base/shape'
import type { Relay } from '#ports/relay'
import { relayParty } from './check-receipt.ts'
import { checkTrailProof, type TrailVerdict } from './check-trail-proof.ts'
import { type OpenGrant, receivedGrants } from './grants.ts'
import { openSession } from './open-session.ts'
import { type PlaceNow, placeNow } from './place-now.ts'

type Reading = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

export type TrailRead = {
  readonly trail: TrailProof
  readonly verdict: TrailVerdict
  /** Where its last receipt lies in the relay's log now; null for a trail without receipts. */
  readonly place: PlaceNow | null
}

const AT_ONCE = 16

/** Consents by which this party may read who looked, those that live. */
export const trailGrants = (ctx: Pick<Ctx, 'clock' | 'session'>): OpenGrant[] =>
  receivedGrants(ctx).filter(
    g => g.terms.level !== 'write' && g.terms.expiry > ctx.clock() && g.package.compartments.some(c => c.name === AUDIT),
  )

/**
 * Reads who looked into another's record under a consent to that alone: the parts that their vault published, put together and checked
 * as a whole, against their relay's log and its ledger as they are now. It leaves receipts as every reading does. What their vault has not published yet is
 * not there. Throws NO_GRANT, DENIED, OMISSION for a part that is missing.
 */
export async function readTrail(
  ctx: Reading,
  { grant, person, role }: { grant: OpenGrant; person?: string; role?: string },
): Promise<TrailRead> {
  const audit = grant.package.compartments.find(c => c.name === AUDIT)
  ensure(audit, 'NO_GRANT', 'That consent is not to read who looked.')
  const named = { ...(person ? { person } : {}), ...(role ? { role } : {}) }
  const session = await openSession(ctx, {
    ...{ grant: grant.grant.commitment, purpose: grant.terms.purposes[0]!, compartments: [audit.id] },
    ...named,
  })
  try {
    const ids = session.records.filter(r => equal(r.compartment, audit.id)).map(r => r.id)
    const parts: TrailPart[] = []
    for (let i = 0; i < ids.length; i += AT_ONCE)
      for (const { meta, body } of await session.open(ids.slice(i, i + AT_ONCE)))
        if (meta.author === grant.terms.patient) parts.push(decodeAs(trailPart, body))
    const url = grant.package.relays[0]!
    const relay = await ctx.network.relay(url)
    const trail = await joined(relay, parts)
    ensure(trail, 'NOT_FOUND', 'Nothing was published yet of who looked.')
    const verdict = await checkTrailProof(trail)
    const own = verdict.vault === grant.terms.patient && verdict.relay === (await relayParty(ctx, relay)).did
    ensure(own, 'BAD_PROOF', 'What was published is of another record, or of another relay than it is kept at.')
    const last = trail.pages.at(-1)
    const end = last?.receipts.at(-1)
    return { trail, verdict, place: end && last ? await placeNow(ctx, url, { inclusion: { ...end, head: last.head } }) : null }
  } finally {
    session.close()
  }
}

const sizeOf = (h: LogHead): number => readLogHead(h.signed).size

/** Parts one after the other, without a gap; one that was published twice is taken once. All heads lead to the newest, as the relay shows. */
async function joined(relay: Relay, parts: readonly TrailPart[]): Promise<TrailProof | null> {
  let at: TrailStart = BEGINNING
  const used: TrailPart[] = []
  for (const part of parts.toSorted((a, b) => a.after - b.after)) {
    if (part.after < at.after) continue
    ensure(part.after === at.after && equal(part.prev, at.prev), 'OMISSION', `What comes after receipt ${at.after} is missing.`)
    const last = part.trail.pages.flatMap(p => p.receipts).at(-1)
    if (!last) continue
    at = { after: readReceipt(last.receipt.signed).seq, prev: receiptHash(last.receipt.signed) }
    used.push(part)
  }
  const newest = used.at(-1)?.trail
  const end = newest?.pages.at(-1)
  if (!newest || !end) return null
  const to = sizeOf(end.head)
  const pages = await Promise.all(
    used
      .flatMap(p => p.trail.pages)
      .map(async p => ({ ...p, grown: sizeOf(p.head) === to ? [] : await relay.consistency(sizeOf(p.head), to) })),
  )
  const readers = new Map(used.flatMap(p => p.trail.readers).map(b => [toHex(b.signed.ed25519), b]))
  return { ...newest, pages, readers: [...readers.values()] }
}
