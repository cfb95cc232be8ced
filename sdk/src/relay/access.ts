import { equal, readU64, toHex } from '#base/bytes'
import { ensure } from '#base/error'
import { decodeAs } from '#base/shape'
import type { Decision } from '#consent/decide'
import { forEmergencies } from '#consent/limits'
import type { Call } from '#identity/call'
import type { Did } from '#identity/did'
import type { EnvelopeStore } from '#ports/envelopes'
import { anchorProof, type GroupHead, groupHead, type ServedGroup, type ServedItem } from '#records/envelope'
import { type Answer, type Body, MAX_PAGE } from '#wire/methods'
import { envelopeReader } from './buckets.ts'
import { makeCapability } from './capability.ts'
import { type CheckedTerms, checkTerms, decideConsent } from './consents.ts'
import type { RelayContext } from './context.ts'
import { proveInclusion } from './heads.ts'
import { writeReceipt } from './receipts.ts'
import { readEnvKey, seqKey } from './schema.ts'
import { readHead } from './state.ts'

type Reading = Parameters<Parameters<EnvelopeStore['read']>[1]>[0]
type Place = {
  readonly key: Uint8Array
  readonly compartment: Uint8Array
  readonly epoch: number
  readonly seq: number
  readonly id?: Uint8Array
}
type Scope = {
  readonly compartments: readonly Uint8Array[] | null
  readonly from: number
  readonly to: number
  readonly ids: readonly Uint8Array[] | null
}

const EVERYTHING: Scope = { compartments: null, from: 0, to: 65_535, ids: null }

/**
 * Lists cards or opens keys (protocol §6). The decision and its receipt are durable in the log before anything is returned;
 * a refusal is logged likewise. The vault itself needs no consent, and leaves receipts like anyone.
 */
export async function access(ctx: RelayContext, call: Call, body: Body<'access'>): Promise<Answer<'access'>> {
  const own = call.from === body.vault
  const checked = own ? null : await checkTermsOf(ctx, body)
  const scope = checked ? scopeOf(checked) : EVERYTHING
  const { places, next, more, asked } = await ctx.envelopes.read(body.vault, rows => select(rows, body, scope))
  const decision: Decision = checked
    ? await decideConsent(ctx, checked, {
        action: body.action,
        reader: call.from,
        purpose: body.purpose,
        records: asked,
        compartments: body.selection.compartments ?? [],
      })
    : { allow: true, reasons: [] }
  const { receipt, index } = await writeReceipt(ctx, {
    vault: body.vault,
    call,
    action: decision.allow ? (body.action === 'list' ? 'list' : 'view') : 'deny',
    ...(body.person ? { person: body.person } : {}),
    ...(body.role ? { role: body.role } : {}),
    ...(checked ? { grant: checked.commitment } : {}),
    compartments: body.selection.compartments ?? checked?.terms.compartments ?? [],
    ids: body.action === 'open' ? (body.selection.ids ?? []) : [],
    purpose: body.purpose,
    verdict: decision.allow ? 'allowed' : 'denied',
    reasons: decision.reasons,
  })
  const inclusion = await proveInclusion(ctx, index)
  const groups = decision.allow ? await serve(ctx, body.vault, places, { keys: body.action === 'open', writers: own }) : []
  const cids = body.action === 'open' ? groups.flatMap(g => g.items.map(i => i.cid)) : []
  return {
    receipt,
    inclusion,
    verdict: decision.allow ? 'allowed' : 'denied',
    reasons: [...decision.reasons],
    groups,
    head: decision.allow ? await ctx.envelopes.read(body.vault, readHead) : null,
    next: decision.allow ? next : null,
    ...(decision.allow && body.selection.count ? { more } : {}),
    capability: makeCapability(ctx, {
      reader: call.from,
      cids,
      vault: own ? null : body.vault,
      urgent: forEmergencies(checked?.terms.purposes ?? []),
    }),
  }
}

async function checkTermsOf(ctx: RelayContext, body: Body<'access'>): Promise<CheckedTerms> {
  ensure(body.terms, 'NO_GRANT', 'Reading another vault needs its consent; send the signed terms along.')
  return checkTerms(ctx, body.terms, body.vault)
}

/** What a list shows by itself is what the terms cover; asking for more is refused by `decide`, not silently narrowed. */
const scopeOf = ({ terms }: CheckedTerms): Scope => ({
  compartments: terms.records.length ? null : terms.compartments,
  from: terms.from,
  to: terms.to,
  ids: terms.records.length ? terms.records : null,
})

type Selected = {
  readonly places: Place[]
  readonly next: number | null
  /** Of those after the page as many as were to be counted, at most. */
  readonly more: number
  readonly asked: { id: Uint8Array; compartment: Uint8Array; epoch: number }[]
}

async function select(rows: Reading, body: Body<'access'>, scope: Scope): Promise<Selected> {
  // Named records are the whole scope: no other selection reaches past them.
  const ids = body.selection.ids ?? scope.ids
  if (body.action === 'open') ensure(body.selection.ids, 'BAD_INPUT', 'Opening names the records to open.')
  if (ids) return selectIds(rows, ids)
  const wanted = body.selection.compartments ?? scope.compartments
  const { limit = 1000, count = 0 } = body.selection
  const places: Place[] = []
  let next: number | null = null
  let more = 0
  let after = body.selection.since ?? 0
  for (;;) {
    const page = await rows.scan('seq', { after: seqKey(after), limit: MAX_PAGE })
    for (const row of page) {
      after = readU64(row.key)
      const place = { key: row.value, ...readEnvKey(row.value) }
      const inside = (!wanted || wanted.some(c => equal(c, place.compartment))) && place.epoch >= scope.from && place.epoch <= scope.to
      if (inside && next === null) places.push(place)
      else if (inside) more++
      if (places.length >= limit) next ??= after
      if (next !== null && more >= count) return { places, next, more, asked: [] }
    }
    if (page.length < MAX_PAGE) return { places, next, more, asked: [] }
  }
}

async function selectIds(rows: Reading, ids: readonly Uint8Array[]): Promise<Selected> {
  const places: Place[] = []
  for (const id of ids) {
    const key = await rows.get('id', id)
    if (key) places.push({ key, id, ...readEnvKey(key) })
  }
  return { places, next: null, more: 0, asked: places.map(p => ({ id: p.id!, compartment: p.compartment, epoch: p.epoch })) }
}

type With = { readonly keys: boolean; readonly writers: boolean }

/** Envelopes grouped by encapsulation; keys only when opening, who filed them only for the vault itself. */
async function serve(ctx: RelayContext, vault: Did, places: readonly Place[], include: With): Promise<ServedGroup[]> {
  return ctx.envelopes.read(vault, async rows => {
    const read = envelopeReader(ctx, rows)
    const groups = new Map<string, ServedGroup>()
    for (const place of places) {
      const wrapped = await rows.get('env', place.key)
      if (!wrapped) continue
      const stored = await read(place.key, place.seq, wrapped)
      const name = toHex(stored.group)
      const group = groups.get(name) ?? { ...(await headOf(rows, stored.group)), items: [] }
      groups.set(name, group)
      const proof = await rows.get('anchor', stored.id)
      const item: ServedItem = {
        id: stored.id,
        card: stored.card,
        ...(include.keys ? { key: stored.key } : {}),
        cid: stored.cid,
        leaf: stored.leaf,
        seq: place.seq,
        ...(include.writers ? { by: stored.by } : {}),
        ...(proof ? { anchor: decodeAs(anchorProof, proof) } : {}),
      }
      group.items.push(item)
    }
    return [...groups.values()]
  })
}

async function headOf(rows: Reading, id: Uint8Array): Promise<GroupHead> {
  const value = await rows.get('group', id)
  ensure(value, 'STORAGE_CORRUPT', 'An envelope has lost its encapsulation; repair it from another relay.')
  return decodeAs(groupHead, value)
}
