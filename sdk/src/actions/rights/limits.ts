import { relayParty } from '#actions/access/check-receipt'
import { revoke } from '#actions/access/revoke'
import type { Ctx } from '#actions/context'
import { callRelay, homeRelay, signerOf } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { equal, toHex, u64be } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure } from '#base/error'
import { decodeAs } from '#base/shape'
import { type Limits, limitsReceipt } from '#consent/limits'
import { decodeTerms, PURPOSES, type Purpose, readTerms } from '#consent/terms'
import type { Keyring } from '#identity/keyring'
import { NO_RIGHTS } from '#identity/rights'
import { sign, signed, signedHash, verifySigned } from '#identity/signed'
import { FROZEN, limitsOf } from './ring.ts'
import { type Telling, tellReaders } from './tell.ts'

type Limiting = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

export type LimitsChange = Partial<Pick<Limits, 'frozen' | 'emergency' | 'objects' | 'closed'>>
export type Limited = Telling & { readonly confirmed: number; readonly limits: Limits }

const OPEN = { frozen: false, emergency: true, objects: [], closed: null } satisfies LimitsChange

/**
 * Signs new limits (protocol §5), has the relay put them in force, and tells those whose consents live. Written into the keyring first: cut
 * short, it shows as not confirmed, and asking again finishes it. Throws NO_RECEIPT when the relay signs for something else.
 */
export async function setLimits(ctx: Limiting, change: LimitsChange): Promise<Limited> {
  const before = limitsOf(ctx.session.state.ring)?.limits
  const next = (ring: Keyring): Limits => {
    const last = limitsOf(ring)?.limits
    const { frozen, emergency, objects, closed } = { ...OPEN, ...last, ...change }
    const at = Math.max(ctx.clock(), (last?.at ?? 0) + 1)
    return { v: 1, vault: ring.did, at, frozen, emergency, objects: PURPOSES.filter(p => objects.includes(p)), closed }
  }
  const limits = next(ctx.session.state.ring)
  const thing = encode(await sign(signerOf(ctx.session.state.ring), 'limits', limits))
  await changeRing(ctx, r => {
    // Signed before: another device that was first is not overwritten, and its limits are looked at again.
    ensure(next(r).at <= limits.at, 'HEAD_CONFLICT', 'Another device changed the limits just now; look again and repeat.')
    return { ...sinceWhen(r, limits), rights: { ...(r.rights ?? NO_RIGHTS), limits: { signed: thing, receipt: null } } }
  })
  const confirmed = await confirmLimits(ctx)
  const { told, unreached } = await tellChange(ctx, before ?? { ...limits, ...OPEN }, limits)
  return { limits, confirmed, told, unreached }
}

/** The limits say when they were signed, and an objection signs them anew: when a freeze began is noted beside them. */
function sinceWhen(ring: Keyring, { frozen, at }: Limits): Keyring {
  const { [FROZEN]: since, ...marks } = ring.marks
  return { ...ring, marks: frozen ? { ...marks, [FROZEN]: since ?? u64be(at) } : marks }
}

async function tellChange(ctx: Limiting, before: Limits, now: Limits): Promise<Telling> {
  const all: Telling[] = []
  if (before.frozen !== now.frozen) all.push(await tellReaders(ctx, { event: now.frozen ? 'frozen' : 'lifted', records: [], purposes: [] }))
  const fresh = now.objects.filter(p => !before.objects.includes(p))
  if (fresh.length) all.push(await tellReaders(ctx, { event: 'objected', records: [], purposes: fresh }))
  return { told: [...new Set(all.flatMap(t => t.told))], unreached: [...new Set(all.flatMap(t => t.unreached))] }
}

/** Has the relay put the limits of the keyring in force; returns when it says it did, Unix seconds. Throws NOT_FOUND without any. */
export async function confirmLimits(ctx: Limiting): Promise<number> {
  const kept = ctx.session.state.ring.rights?.limits
  ensure(kept, 'NOT_FOUND', 'This record has no limits.')
  const limits = decodeAs(signed, kept.signed)
  const relay = await homeRelay(ctx)
  const party = await relayParty(ctx, relay)
  const { receipt } = await callRelay(ctx, relay, 'put-limits', { limits })
  const word = await verifySigned(receipt, 'limits', limitsReceipt, party.keys)
  const names =
    receipt.signer === party.did && word.relay === party.did && word.vault === limits.signer && equal(word.limits, signedHash(limits))
  ensure(names, 'NO_RECEIPT', 'The relay’s word on the limits is for something else.')
  const same = (r: Keyring): boolean => r.rights?.limits != null && equal(r.rights.limits.signed, kept.signed)
  await changeRing(ctx, r => (same(r) ? { ...r, rights: { ...r.rights!, limits: { signed: kept.signed, receipt: encode(receipt) } } } : r))
  return word.at
}

/** Signs the limits anew and puts them in force: where the record moved to another relay, or its keys were replaced. */
export async function renewLimits(ctx: Limiting): Promise<void> {
  if (ctx.session.state.ring.rights?.limits) await setLimits(ctx, {})
}

export type Objected = Limited & { readonly ended: readonly string[] }

/**
 * Objects to purposes (GDPR 21): nobody may act for them any more, whatever was agreed, and requests for them are declined. Consents for
 * nothing else end; those with other purposes go on for these.
 */
export async function objectTo(ctx: Limiting, purposes: readonly Purpose[]): Promise<Objected> {
  const objects = [...(limitsOf(ctx.session.state.ring)?.limits.objects ?? []), ...purposes]
  const limited = await setLimits(ctx, { objects })
  const { ring } = ctx.session.state
  const only = ring.given.filter(g => {
    const t = readTerms(decodeTerms(g.terms).signed)
    return g.state === 'live' && t.patient === ring.did && t.expiry > ctx.clock() && t.purposes.every(p => objects.includes(p))
  })
  for (const g of only) await revoke(ctx, g.commitment)
  return { ...limited, ended: only.map(g => toHex(g.commitment)) }
}
