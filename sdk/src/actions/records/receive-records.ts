import { ask, fetcher } from '#actions/access/ask'
import type { Ctx, Progress } from '#actions/context'
import { homeRelay, partyAt } from '#actions/vault/calls'
import { NO_TOMBSTONES } from '#actions/vault/change-ring'
import { equal, readU64, toHex, u64be } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { file } from '#health/filing'
import { isInbox } from '#identity/compartments'
import type { Did } from '#identity/did'
import { headMessage } from '#identity/head'
import { peek } from '#identity/signed'
import { checkCard, verifyAuthor } from '#records/author'
import type { Card } from '#records/card'
import type { Entry } from '#records/catalog'
import type { PackedDigest } from '#records/digest'
import { payloadCid, type ServedGroup, type ServedItem } from '#records/envelope'
import { groupOpener, type Opened, unpackHere } from '#records/unpack'
import { checkTombstones } from './check-tombstones.ts'
import { digestOfBody } from './digest-body.ts'
import { noteEntries } from './file-records.ts'
import { entryOf } from './list-entries.ts'
import { moveRecords } from './move-records.ts'
import { holdRecords, releaseRecords } from './quarantine.ts'
import { compartmentNamed, ownSecret } from './secrets.ts'

type Receiving = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

export type Received = {
  readonly fresh: number
  readonly refiled: number
  readonly problems: readonly Problem[]
}

/** A record that was not taken in, and why. */
export type Problem = {
  readonly id: string
  readonly code: string
  readonly message: string
  /** What its card claims, as far as it opened; none of it is proven. */
  readonly claim?: { readonly author: Did; readonly title: string; readonly type: string; readonly start?: string }
  /** Who handed it to the relay, on the relay's word. */
  readonly by?: Did
}

/** The write number at the home relay up to which the catalog is complete. */
export const SEQ_MARK = 'seq'
const TOMBSTONE_MARK = 'tombstones'
const PAGE = 1000

/**
 * Brings the catalog up to date with the relay: lists what was filed since, opens every card, opens whole what others wrote to
 * check who signed it, and files what waits in the inbox. One bad record costs one record and is named.
 */
export async function receiveRecords(ctx: Receiving, progress: Progress = () => {}): Promise<Received> {
  await forgetErased(ctx)
  const { ring } = ctx.session.state
  const relay = await homeRelay(ctx)
  const mark = await ctx.catalog.marked(SEQ_MARK)
  const problems: Problem[] = []
  let since = mark ? readU64(mark) : 0
  let fresh = 0
  let refiled = 0
  for (;;) {
    const answer = await ask(ctx, relay, { vault: ring.did, action: 'list', selection: { since, limit: PAGE }, purpose: 'PATRQT' })
    const taken: Entry[] = []
    for (const group of answer.groups) taken.push(...(await takeGroup(ctx, group, problems)))
    await noteEntries(ctx, taken)
    const seqs = answer.groups.flatMap(g => g.items.map(i => i.seq))
    ensure(answer.next === null || answer.next > since, 'OMISSION', 'The relay’s listing goes in circles.')
    since = answer.next ?? Math.max(since, ...seqs)
    await ctx.catalog.mark(SEQ_MARK, u64be(since))
    fresh += taken.length
    progress(fresh, null)
    refiled += await emptyInbox(
      ctx,
      taken.filter(e => isInbox(e.compartment)),
      problems,
    )
    if (answer.next === null) break
  }
  // The mark has moved past them, so nobody would ask for them again.
  await holdRecords(ctx, problems)
  return { fresh, refiled, problems }
}

/** What another device erased goes from this catalog too, once the relay's tombstones were checked against the head. */
async function forgetErased(ctx: Receiving): Promise<void> {
  const { head } = ctx.session.state
  const named = head ? peek(head, headMessage).tombstones.root : NO_TOMBSTONES.root
  const seen = (await ctx.catalog.marked(TOMBSTONE_MARK)) ?? NO_TOMBSTONES.root
  if (equal(named, seen)) return
  const gone = await checkTombstones(ctx)
  await ctx.catalog.drop(gone)
  await releaseRecords(ctx, gone)
  await ctx.catalog.mark(TOMBSTONE_MARK, named)
}

/**
 * Asks again for records that were not taken in. Those that are whole now come into the catalog; the others are named once more, and so are
 * those that the relay no longer has.
 */
export async function receiveAgain(ctx: Receiving, ids: readonly Uint8Array[]): Promise<Received> {
  const { ring } = ctx.session.state
  const relay = await homeRelay(ctx)
  const problems: Problem[] = []
  const answer = await ask(ctx, relay, { vault: ring.did, action: 'list', selection: { ids: [...ids] }, purpose: 'PATRQT' })
  const taken: Entry[] = []
  for (const group of answer.groups) taken.push(...(await takeGroup(ctx, group, problems)))
  await noteEntries(ctx, taken)
  const waiting = taken.filter(e => isInbox(e.compartment))
  const refiled = await emptyInbox(ctx, waiting, problems)
  const listed = new Set(answer.groups.flatMap(g => g.items.map(i => toHex(i.id))))
  for (const id of ids)
    if (!listed.has(toHex(id))) problems.push({ id: toHex(id), code: 'NOT_FOUND', message: 'The record is not at the relay.' })
  const bad = new Set(problems.map(p => p.id))
  await releaseRecords(
    ctx,
    ids.filter(id => !bad.has(toHex(id))),
  )
  await holdRecords(ctx, problems)
  return { fresh: taken.length, refiled, problems }
}

type Told = Pick<ServedItem, 'id' | 'by'> & { readonly card?: Card | undefined }

function problemOf({ id, by, card }: Told, e: unknown): Problem {
  const known = isKeepwellError(e)
  return {
    id: toHex(id),
    code: known ? e.code : 'DEFECT',
    message: known ? e.message : 'The record could not be taken in.',
    ...(by ? { by } : {}),
    ...(card
      ? {
          claim: {
            author: card.author,
            title: card.title,
            type: card.resourceType ?? card.kind,
            ...(card.start ? { start: card.start } : {}),
          },
        }
      : {}),
  }
}

async function takeGroup(ctx: Receiving, group: ServedGroup, problems: Problem[]): Promise<Entry[]> {
  const { ring } = ctx.session.state
  const secret = ownSecret(ring, group)
  const out: Entry[] = []
  const opener = secret ? await groupOpener(secret, group).catch(() => null) : null
  for (const item of group.items) {
    let claimed: Card | undefined
    try {
      ensure(opener, 'NO_KEY', 'The keyring holds no key for that compartment and generation.')
      const before = await entryOf(ctx, item.id)
      const { card: _card, key: _key, by, seq, anchor, ...rest } = item
      const card = await opener.card(item)
      claimed = card
      const hash = item.card && before?.seq === seq ? before.hash : new Uint8Array(32)
      // A writer can put any name on a card: ours counts only on what this device wrote, or what the relay says we filed.
      const own = card.author === ring.did && (before?.state === 'own' || by === ring.did)
      const known = own ? 'own' : before?.state === 'verified' ? 'verified' : null
      const { state, digest = before?.digest }: Checked = known ? { state: known } : await checkForeign(ctx, item, card)
      out.push({
        ...rest,
        card,
        compartment: group.compartment,
        generation: group.generation,
        epoch: group.epoch,
        seq,
        hash,
        state,
        ...(anchor ? { anchor } : {}),
        ...(before?.anchoredAt !== undefined ? { anchoredAt: before.anchoredAt } : {}),
        filedAt: before?.filedAt ?? ctx.clock(),
        ...(digest ? { digest } : {}),
      })
    } catch (e) {
      problems.push(problemOf({ ...item, card: claimed }, e))
    }
  }
  return out
}

type Checked = { readonly state: 'own' | 'verified' | 'unverified'; readonly digest?: PackedDigest }

/** Opens a record that someone else wrote and checks both of its author's signatures. Content that was altered throws. */
async function checkForeign(ctx: Receiving, item: ServedItem, card: Card): Promise<Checked> {
  const opened = await openOne(ctx, item.id)
  checkCard(opened.meta, card)
  const author = await partyAt(ctx, opened.meta.author, opened.proof.batch.version)
  const digest = card.held ? undefined : digestOfBody(card, opened.body)
  const told = digest ? { digest } : {}
  if (!author) return { state: 'unverified', ...told }
  await verifyAuthor(opened, author)
  return { state: 'verified', ...told }
}

/** As far as the relay has it: a list does not wait for a hospital. */
async function openOne(ctx: Receiving, id: Uint8Array): Promise<Opened> {
  const { ring } = ctx.session.state
  const relay = await homeRelay(ctx)
  const answer = await ask(ctx, relay, { vault: ring.did, action: 'open', selection: { ids: [id] }, purpose: 'PATRQT' })
  const group = answer.groups[0]
  const item = group?.items[0]
  const secret = group && ownSecret(ring, group)
  ensure(group && item && secret, 'NOT_FOUND', 'The record is not at the relay.')
  const opener = await groupOpener(secret, group)
  return unpackHere({ id, subject: ring.did, dek: await opener.dek(item), cid: payloadCid(item), fetch: fetcher(relay, answer.capability) })
}

/** Files what writers without a calendar entry left in the inbox, by the filing table. */
async function emptyInbox(ctx: Receiving, entries: readonly Entry[], problems: Problem[]): Promise<number> {
  const { ring } = ctx.session.state
  const byCompartment = new Map<string, Entry[]>()
  for (const e of entries) {
    try {
      const opened = await openOne(ctx, e.id)
      const { compartment } = file(resourceOf(opened, e))
      byCompartment.set(compartment, [...(byCompartment.get(compartment) ?? []), e])
    } catch (error) {
      problems.push(problemOf({ id: e.id, by: e.card.author, card: e.card }, error))
    }
  }
  for (const [name, list] of byCompartment) await moveRecords(ctx, list, compartmentNamed(ring, name).id)
  return [...byCompartment.values()].reduce((sum, list) => sum + list.length, 0)
}

function resourceOf(opened: Opened, e: Entry): Parameters<typeof file>[0] {
  if (e.card.kind === 'fhir') {
    try {
      const parsed: unknown = JSON.parse(new TextDecoder().decode(opened.body))
      if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Parameters<typeof file>[0]
    } catch {
      // an unreadable body is filed by its kind alone
    }
  }
  return { kind: e.card.kind, mediaType: e.card.mediaType }
}
