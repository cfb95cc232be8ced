import { concat, equal, toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, KeepwellError } from '#base/error'
import { epochOf } from '#base/time'
import { sha256 } from '#crypto/hash'
import { leafHash, merkleRoot } from '#crypto/merkle'
import { assertSuite } from '#crypto/suite'
import type { CalendarMessage } from '#identity/calendar'
import type { Call } from '#identity/call'
import { isInbox } from '#identity/compartments'
import type { Did } from '#identity/did'
import { type Signed, sign } from '#identity/signed'
import type { Rows } from '#ports/envelopes'
import { type EnvelopeGroup, type EnvelopeItem, envelopeHash, type GroupHead } from '#records/envelope'
import type { Answer, Body } from '#wire/methods'
import { bucketKey, envelopeReader, wrapEnvelope } from './buckets.ts'
import { checkTerms, decideConsent } from './consents.ts'
import { notify, type RelayContext } from './context.ts'
import { condemn, destroyDoomed } from './erase.ts'
import { useNonce } from './nonces.ts'
import { claimPayloads } from './payloads.ts'
import { writeReceipt } from './receipts.ts'
import { at, bucketOf, envKey, groupId, readEnvKey, type StoredEnvelope, seqKey, takeNumbers } from './schema.ts'
import { calendarOf } from './state.ts'

const MAX_FILED = 4096
const MAX_COMPARTMENTS = 256

type Filed = { readonly group: EnvelopeGroup; readonly item: EnvelopeItem }

/**
 * Files envelopes: from the vault itself, or from a writer under a live write consent. Every payload must be here already. An
 * identical envelope is filed once; a known id with other content is refused unless the vault itself replaces it (re-seal).
 */
export async function submit(ctx: RelayContext, call: Call, body: Body<'submit'>): Promise<Answer<'submit'>> {
  const own = call.from === body.vault
  const filed = body.groups.flatMap(group => group.items.map(item => ({ group, item })))
  checkNames(filed)
  if (!own) await allowWriter(ctx, call, body, filed)
  await checkGroups(ctx, body, own)
  await claimPayloads(
    ctx,
    body.vault,
    filed.map(f => f.item),
  )
  const firstSeq = await store(ctx, call, body, filed)
  if (own && body.replace) await destroyDoomed(ctx, body.vault)
  const acceptance = await accept(ctx, body.vault, firstSeq, filed)
  notify(ctx, body.vault, 'records')
  return { acceptance, firstSeq }
}

/** A record is named once in a submission, and a receipt can name them all. */
function checkNames(filed: readonly Filed[]): void {
  ensure(filed.length > 0, 'BAD_INPUT', 'Nothing was submitted.')
  ensure(filed.length <= MAX_FILED, 'TOO_LARGE', `A submission has at most ${MAX_FILED} records; send several.`)
  const names = new Set(filed.map(f => toHex(f.item.id)))
  ensure(names.size === filed.length, 'BAD_INPUT', 'A submission names a record twice.')
}

async function allowWriter(ctx: RelayContext, call: Call, body: Body<'submit'>, filed: readonly Filed[]): Promise<void> {
  if (!body.terms) throw new KeepwellError('NO_GRANT', 'Writing to another vault needs its consent; send the signed terms along.')
  const checked = await checkTerms(ctx, body.terms, body.vault)
  const named = new Map(body.groups.map(g => [toHex(g.compartment), g.compartment]))
  const compartments = [...named.values()].filter(c => !isInbox(c))
  ensure(compartments.length <= MAX_COMPARTMENTS, 'TOO_LARGE', `A submission has at most ${MAX_COMPARTMENTS} compartments.`)
  const decision = await decideConsent(ctx, checked, {
    action: 'write',
    reader: call.from,
    purpose: body.purpose,
    records: [],
    compartments,
  })
  await writeReceipt(ctx, {
    vault: body.vault,
    call,
    action: decision.allow ? 'create' : 'deny',
    ...(body.person ? { person: body.person } : {}),
    ...(body.role ? { role: body.role } : {}),
    grant: checked.commitment,
    compartments,
    ids: filed.map(f => f.item.id),
    purpose: body.purpose,
    verdict: decision.allow ? 'allowed' : 'denied',
    reasons: decision.reasons,
  })
  if (!decision.allow) throw new KeepwellError('DENIED', `Writing was refused: ${decision.reasons.join(', ')}.`)
}

async function checkGroups(ctx: RelayContext, body: Body<'submit'>, own: boolean): Promise<void> {
  const calendar = (await ctx.envelopes.read(body.vault, calendarOf))?.message
  ensure(calendar, 'NOT_FOUND', 'This relay keeps no vault of that name.')
  const now = epochOf(ctx.clock())
  for (const group of body.groups) {
    assertSuite(group.suite)
    ensure(group.vault === body.vault, 'BAD_INPUT', 'An envelope group is of another vault.')
    if (!isInbox(group.compartment)) checkGeneration(calendar, group)
    const replaced = own && body.replace
    ensure(
      replaced || Math.abs(group.epoch - now) <= 1,
      'STALE_CALENDAR',
      `The envelope is of epoch ${group.epoch}, now is ${now}; seal it again.`,
    )
  }
}

function checkGeneration(calendar: CalendarMessage, group: EnvelopeGroup): void {
  const entry = calendar.compartments.find(c => equal(c.id, group.compartment))
  ensure(entry, 'UNKNOWN_COMPARTMENT', 'The vault publishes no such compartment.')
  ensure(
    entry.generation === group.generation,
    'STALE_CALENDAR',
    'The envelope is sealed to an old generation; fetch the calendar and seal it again.',
  )
}

/** One transaction for the whole submission: all of it is filed, or none. */
async function store(ctx: RelayContext, call: Call, body: Body<'submit'>, filed: readonly Filed[]): Promise<number> {
  const own = call.from === body.vault
  return ctx.envelopes.transact(body.vault, async rows => {
    // The vault may have been erased since its calendar was read.
    ensure(!(await rows.get('state', at('erased'))), 'ERASED', 'That vault was erased by its owner.')
    if (own) await useNonce(rows, call, ctx.clock())
    const fresh: Filed[] = []
    const left = new Set<number>()
    for (const f of filed) if (await isNew(ctx, rows, f, { replace: own && body.replace === true, left })) fresh.push(f)
    const first = await takeNumbers(rows, 'seq', fresh.length)
    const groups = new Map(fresh.map(f => [toHex(groupId(f.group.enc)), f.group]))
    await rows.put(
      'group',
      [...groups.values()].map(g => ({ key: groupId(g.enc), value: encodeHead(g) })),
    )
    await putEnvelopes(ctx, rows, { vault: body.vault, by: call.from, first, fresh })
    await condemn(ctx, rows, { vault: body.vault, buckets: left, cids: [] })
    return first
  })
}

const encodeHead = ({ suite, vault, compartment, generation, epoch, enc }: GroupHead): Uint8Array =>
  encode({ suite, vault, compartment, generation, epoch, enc })

async function putEnvelopes(
  ctx: RelayContext,
  rows: Rows,
  input: { readonly vault: Did; readonly by: Did; readonly first: number; readonly fresh: readonly Filed[] },
): Promise<void> {
  const out = { env: [] as Row[], seq: [] as Row[], id: [] as Row[], unanchored: [] as Row[] }
  for (const [i, { group, item }] of input.fresh.entries()) {
    const seq = input.first + i
    const key = envKey(group.compartment, group.epoch, seq)
    const stored: StoredEnvelope = { group: groupId(group.enc), ...item, by: input.by }
    const bucket = await bucketKey(ctx, rows, input.vault, bucketOf(seq))
    out.env.push({ key, value: await wrapEnvelope(ctx, bucket, key, stored) })
    out.seq.push({ key: seqKey(seq), value: key })
    out.id.push({ key: item.id, value: key })
    out.unanchored.push({ key: seqKey(seq), value: concat(item.id, item.leaf) })
  }
  for (const kind of ['env', 'seq', 'id', 'unanchored'] as const) await rows.put(kind, out[kind])
}

type Row = { key: Uint8Array; value: Uint8Array }

type Room = { readonly replace: boolean; readonly left: Set<number> }

/** Whether an envelope is to be filed; makes room for it when the vault replaces one of its own, whose bucket is then shredded. */
async function isNew(ctx: RelayContext, rows: Rows, { group, item }: Filed, { replace, left }: Room): Promise<boolean> {
  ensure(!(await rows.get('tomb', item.id)), 'ERASED', 'A record of that id was erased; the id is never used again.')
  const key = await rows.get('id', item.id)
  if (!key) return true
  const { seq } = readEnvKey(key)
  const wrapped = await rows.get('env', key)
  if (!wrapped) return true
  const before = await envelopeReader(ctx, rows)(key, seq, wrapped)
  const same =
    equal(before.group, groupId(group.enc)) && equal(before.card, item.card) && equal(before.key, item.key) && equal(before.cid, item.cid)
  if (same) return false
  ensure(replace, 'ALREADY_FILED', `Record ${toHex(item.id)} is filed already with other content; a new version takes a new id.`)
  ensure(
    equal(before.leaf, item.leaf) && equal(before.cid, item.cid),
    'ENVELOPE_MISMATCH',
    'A re-sealed envelope keeps its payload and leaf.',
  )
  await rows.delete('env', [key])
  await rows.delete('seq', [seqKey(seq)])
  await rows.delete('unanchored', [seqKey(seq)])
  left.add(bucketOf(seq))
  return true
}

/** The relay's signed word that it holds these envelopes, logged: a missing one is proof against it (protocol §2). */
async function accept(ctx: RelayContext, vault: Did, firstSeq: number, filed: readonly Filed[]): Promise<Signed> {
  const hashes = filed.map(f => leafHash(envelopeHash(f.group, f.item)))
  const { did, version, signing } = ctx.keys
  const message = {
    v: 1,
    vault,
    relay: did,
    seq: firstSeq,
    count: filed.length,
    root: merkleRoot(hashes),
    at: ctx.clock(),
    salt: ctx.random(32),
  }
  const acceptance = await sign({ did, version, signing }, 'acceptance', message)
  await ctx.log.append([leafHash(sha256(acceptance.message))])
  return acceptance
}
