import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { changeRing } from '#actions/vault/change-ring'
import { publishCalendar } from '#actions/vault/publish-calendar'
import { readReceipt, receiptHash } from '#audit/receipt'
import { AUDIT, BEGINNING, TRAIL_PART, type TrailPart, type TrailStart } from '#audit/trail-proof'
import { encode } from '#base/cbor'
import { bytes, decodeAs, int, object } from '#base/shape'
import { epochOf, isoTime } from '#base/time'
import type { Keyring } from '#identity/keyring'
import { proveTrail } from './prove-trail.ts'
import { remaining } from './revoke.ts'

type Publishing = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

/** The mark of how far the trail was published. */
const MARK = 'audit'
const mark = object({ after: int(), prev: bytes(32) })
/** Pages of receipts in one record: some megabytes. */
const MOST = 4

const startOf = (ring: Keyring): TrailStart => (ring.marks[MARK] ? decodeAs(mark, ring.marks[MARK]) : BEGINNING)
const compartmentOf = (ring: Keyring): Keyring['compartments'][number] | null => ring.compartments.find(c => c.name === AUDIT) ?? null

/** The compartment for who looked; made when the first is to read it. */
export async function auditCompartment(ctx: Publishing): Promise<Uint8Array> {
  const there = compartmentOf(ctx.session.state.ring)
  if (there) return there.id
  const made = {
    id: ctx.random(16),
    name: AUDIT,
    generation: 1,
    roots: [{ generation: 1, root: ctx.random(32), from: epochOf(ctx.clock()) }],
  }
  const ring = await changeRing(ctx, r =>
    compartmentOf(r) ? r : { ...r, compartments: [...r.compartments, made], calendar: r.calendar + 1 },
  )
  const calendar = await publishCalendar(ctx, ring)
  await changeRing(ctx, r => r, { calendar })
  return compartmentOf(ctx.session.state.ring)!.id
}

/**
 * Files what is new of who looked, each part proven, into the compartment of that name, if there is one: whoever was granted it reads it there, by the keys of
 * that compartment and with a receipt, while this vault sleeps. Receipts that only the vault itself caused wait for the next of somebody
 * else's, for to publish is to leave one. Gives how many receipts were published. Throws BAD_PROOF for a trail that does not hold.
 */
export async function publishTrail(ctx: Publishing): Promise<number> {
  let published = 0
  for (;;) {
    const { ring } = ctx.session.state
    const compartment = compartmentOf(ring)
    if (!compartment) return published
    const from = startOf(ring)
    const trail = await proveTrail(ctx, from, MOST)
    const receipts = trail.pages.flatMap(p => p.receipts).map(r => r.receipt.signed)
    const last = receipts.at(-1)
    if (!last || receipts.every(r => readReceipt(r).actor === ring.did)) return published
    const part: TrailPart = { v: 1, ...from, trail }
    const next: TrailStart = { after: readReceipt(last).seq, prev: receiptHash(last) }
    await fileRecords(ctx, [
      {
        id: ctx.random(16),
        kind: 'document',
        mediaType: TRAIL_PART,
        compartment: compartment.id,
        authoredAt: ctx.clock(),
        body: encode(part),
        facts: { title: `Who looked: ${from.after + 1}–${next.after}`, codes: [], start: isoTime(ctx.clock()) },
      },
    ])
    // Marked afterwards: a crash in between publishes a part twice, which its reader sees.
    await changeRing(ctx, r => ({ ...r, marks: { ...r.marks, [MARK]: encode(next) } }))
    published += receipts.length
  }
}

/** The same for as long as somebody may read it: what nobody reads is not written down a second time. The next consent begins with what was left out. */
export async function publishWhileRead(ctx: Publishing): Promise<number> {
  const compartment = compartmentOf(ctx.session.state.ring)
  return compartment && remaining(ctx, [compartment.id]).length ? publishTrail(ctx) : 0
}
