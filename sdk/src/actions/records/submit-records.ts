import { receivedGrants } from '#actions/access/grants'
import type { Ctx } from '#actions/context'
import { callRelay, makeCall, signerOf, trustBundle } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { equal, readU64, toHex, u64be } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { epochOf } from '#base/time'
import type { Purpose } from '#consent/terms'
import { calendarMessage, epochPublicKey, pageHash } from '#identity/calendar'
import { INBOX, isInbox } from '#identity/compartments'
import type { Did } from '#identity/did'
import { type Signed, verifySigned } from '#identity/signed'
import type { Relay } from '#ports/relay'
import { type Draft, type Packed, pack, type Target } from '#records/pack'
import { uploader } from './file-records.ts'

type Submitting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** A draft for somebody else: `compartment` by its name; one the consent does not name goes to the vault's inbox. */
export type SubmittedDraft = Omit<Draft, 'compartment'> & { readonly compartmentName: string }

/** For whom it is written: the natural person and their role stand on the receipt that the owner gets. */
export type Writer = {
  readonly person?: string
  readonly role?: string
  /** Told of the relay's signed acceptance, the first write number, and the ids it is about. */
  readonly accepted?: (acceptance: Signed, firstSeq: number, ids: readonly Uint8Array[]) => void
  /** Told under which addresses the records will be filed, before they are; again, when they had to be sealed anew. */
  readonly packed?: (packed: readonly Packed[]) => Promise<void>
}

export type Submission = { readonly id: string; readonly compartment: string }

/**
 * Writes records into another party's vault under its write consent, while that party may be offline (protocol aim 4). A stale
 * calendar is fetched again and the records sealed anew, once.
 */
export async function submitRecords(
  ctx: Submitting,
  input: Writer & { readonly to: Did; readonly purpose: Purpose; readonly drafts: readonly SubmittedDraft[] },
): Promise<Submission[]> {
  const now = ctx.clock()
  const found = receivedGrants(ctx).find(
    g => g.terms.patient === input.to && g.terms.level === 'write' && g.terms.expiry > now && g.terms.purposes.includes(input.purpose),
  )
  ensure(found, 'NO_GRANT', 'That person gave you no live consent to write; ask for one with level write.')
  const relay = await ctx.network.relay(found.package.relays[0] ?? '')
  const named = new Map(found.package.compartments.map(c => [c.name, c.id]))
  const drafts = input.drafts.map(({ compartmentName, ...d }): Draft => ({ ...d, compartment: named.get(compartmentName) ?? INBOX }))
  const send = () => sendDrafts(ctx, relay, { ...input, drafts, terms: found.grant.terms })
  try {
    await send()
  } catch (e) {
    if (isKeepwellError(e, 'STALE_CALENDAR')) await send()
    else if (isKeepwellError(e, 'ALREADY_FILED')) await sendMissing(ctx, relay, { ...input, drafts, terms: found.grant.terms })
    else throw e
  }
  return drafts.map((d, i) => ({ id: toHex(d.id), compartment: isInbox(d.compartment) ? 'inbox' : input.drafts[i]!.compartmentName }))
}

/** After an answer that was lost: record ids are random, so what is filed under ours is what we sent. */
async function sendMissing(ctx: Submitting, relay: Relay, input: Sending): Promise<void> {
  for (const draft of input.drafts)
    await sendDrafts(ctx, relay, { ...input, drafts: [draft] }).catch(e => {
      if (!isKeepwellError(e, 'ALREADY_FILED')) throw e
    })
}

type Sending = Writer & { readonly to: Did; readonly purpose: Purpose; readonly drafts: readonly Draft[]; readonly terms: Uint8Array }

async function sendDrafts(ctx: Submitting, relay: Relay, input: Sending): Promise<void> {
  const { to, purpose, drafts, terms, person, role, accepted } = input
  const { ring } = ctx.session.state
  const targets = await targetsOf(ctx, relay, to, drafts)
  const upload = uploader(async blocks => relay.putBlocks(await makeCall(ctx, relay, 'put-blocks', { vault: to, terms }), blocks))
  const { groups, packed } = await pack({
    author: signerOf(ring),
    subject: to,
    drafts,
    target: c => targets.get(toHex(c))!,
    at: ctx.clock(),
    random: ctx.random,
    sink: upload.add,
  })
  await upload.flush()
  await input.packed?.(packed)
  const { acceptance, firstSeq } = await callRelay(ctx, relay, 'submit', {
    vault: to,
    groups,
    terms,
    purpose,
    ...(person ? { person } : {}),
    ...(role ? { role } : {}),
  })
  accepted?.(
    acceptance,
    firstSeq,
    drafts.map(d => d.id),
  )
}

/**
 * Remembers the highest calendar version seen of a vault and refuses an older one: its keys are those that a revoked reader holds.
 * Throws HEAD_ROLLBACK.
 */
async function neverGoBack(ctx: Submitting, to: Did, version: number): Promise<void> {
  const mark = `calendar/${to}`
  const seen = ctx.session.state.ring.marks[mark]
  const highest = seen ? readU64(seen) : 0
  ensure(version >= highest, 'HEAD_ROLLBACK', `The relay shows key calendar ${version} of that vault, and ${highest} was seen before.`)
  if (version > highest) await changeRing(ctx, r => ({ ...r, marks: { ...r.marks, [mark]: u64be(version) } }))
}

const pages = new WeakMap<Relay, Map<string, Uint8Array>>()
/** Of 126 kB each: two years of weeks. */
const MAX_PAGES = 64

/** A compartment's page of epoch keys. The calendar names its hash, so one that was fetched before is as good. */
async function pageOf(
  relay: Relay,
  to: Did,
  { id, page: hash }: { readonly id: Uint8Array; readonly page: Uint8Array },
): Promise<Uint8Array | null> {
  const mine = pages.get(relay) ?? new Map<string, Uint8Array>()
  pages.set(relay, mine)
  const known = mine.get(toHex(hash))
  const page = known ?? (await relay.page(to, id))
  if (page && equal(await pageHash(page), hash)) {
    mine.delete(toHex(hash))
    mine.set(toHex(hash), page)
    if (mine.size > MAX_PAGES) mine.delete(mine.keys().next().value!)
  }
  return page
}

/** The vault's signed calendar, and the key of this epoch for each compartment written to. */
async function targetsOf(ctx: Submitting, relay: Relay, to: Did, drafts: readonly Draft[]): Promise<Map<string, Target>> {
  const published = await relay.calendar(to)
  ensure(published, 'NOT_FOUND', 'The relay keeps no vault of that name.')
  const party = await trustBundle(ctx, published.bundle)
  ensure(party.did === to, 'BAD_SIGNATURE', 'The relay shows another party’s calendar.')
  const calendar = await verifySigned(published.calendar, 'calendar', calendarMessage, party.keys)
  ensure(
    calendar.vault === to && calendar.notAfter > ctx.clock(),
    'STALE_CALENDAR',
    'The calendar has run out; its owner must come online.',
  )
  await neverGoBack(ctx, to, calendar.version)
  const epoch = epochOf(ctx.clock())
  const targets = new Map<string, Target>()
  for (const { compartment } of drafts) {
    if (targets.has(toHex(compartment))) continue
    if (isInbox(compartment)) {
      targets.set(toHex(compartment), { compartment, generation: 0, epoch, publicKey: party.inbox })
      continue
    }
    const entry = calendar.compartments.find(c => toHex(c.id) === toHex(compartment))
    const page = entry && (await pageOf(relay, to, entry))
    ensure(entry && page, 'UNKNOWN_COMPARTMENT', 'The vault publishes no key for that compartment.')
    const publicKey = await epochPublicKey(entry, page, epoch)
    targets.set(toHex(compartment), { compartment, generation: entry.generation, epoch, publicKey })
  }
  return targets
}
