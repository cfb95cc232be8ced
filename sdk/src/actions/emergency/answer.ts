import type { Ctx } from '#actions/context'
import { callerOf, callRelay, homeLedger, homeRelay, ownBundle } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { equal, toHex } from '#base/bytes'
import { ensure, isKeepwellError, KeepwellError } from '#base/error'
import { hmacSha256 } from '#crypto/hash'
import { encodeBundle } from '#identity/bundle'
import { signCall } from '#identity/call'
import { drillInput, type Opening, type Preauthorisation, saltedHash } from '#identity/emergency'
import { preauthoriseTypedData, reviewTypedData, signEmergency, vetoTypedData } from '#identity/emergency-typed-data'
import type { Custodians } from '#ports/custody'
import type { Ledger } from '#ports/ledger'
import { emergencyOf } from './set-up.ts'

type Answering = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

const DEADLINE = 3600

export function emergencyDomain(ledger: Ledger): { chainId: number; contract: string } {
  const contract = ledger.manifest['EmergencyAccess@1']
  if (!contract) throw new KeepwellError('NOT_SUPPORTED', 'The ledger of this home has no EmergencyAccess.')
  return { chainId: ledger.chainId, contract }
}

/** The opening whose tag begins so. Throws NOT_FOUND. */
export function openingOf({ session }: Pick<Ctx, 'session'>, tag: string): Opening {
  const found = (session.state.ring.openings ?? []).filter(o => toHex(o.tag).startsWith(tag.toLowerCase()))
  ensure(
    found.length === 1,
    'NOT_FOUND',
    found.length ? 'Several openings begin so; give more digits.' : 'No custodian told of such an opening.',
  )
  return found[0]!
}

/** The veto key of the card under which an opening was; it is gone once the card was replaced. */
function vetoKey(ctx: Pick<Ctx, 'session'>, opening: Opening): Uint8Array {
  const { emergency: state, oldVetoes } = ctx.session.state.ring
  const old = state?.version === opening.version ? state.veto : oldVetoes?.find(v => v.version === opening.version)?.key
  ensure(old, 'NO_KEY', 'The key of that card is no longer kept.')
  return old
}

const change = (ctx: Answering, tag: Uint8Array, to: (o: Opening) => Opening): Promise<unknown> =>
  changeRing(ctx, r => ({ ...r, openings: (r.openings ?? []).map(o => (equal(o.tag, tag) ? to(o) : o)) }))

/** Closes the window on the ledger for every custodian, and bars who asked under this card. What was released before stays released. */
export async function vetoOpening(ctx: Answering, opening: Opening): Promise<void> {
  const m = { tag: opening.tag, deadline: ctx.clock() + DEADLINE }
  const signature = signEmergency(vetoKey(ctx, opening), vetoTypedData(emergencyDomain(await homeLedger(ctx)), m))
  await callRelay(ctx, await homeRelay(ctx), 'meta', { kind: 'emergency-veto', ...m, signature })
  await change(ctx, opening.tag, o => ({ ...o, vetoedAt: ctx.clock() }))
}

/** Closes the review that an opening leaves open: a salted hash on the ledger, the words with the patient. Throws BAD_INPUT. */
export async function reviewOpening(ctx: Answering, opening: Opening, words: string): Promise<void> {
  ensure(words.trim() && words.length <= 2000, 'BAD_INPUT', 'A review has 1 to 2000 characters.')
  const review = opening.review ?? { text: words, salt: ctx.random(32), at: ctx.clock() }
  // Kept first: should the answer be lost, the same words close the same review.
  await change(ctx, opening.tag, o => ({ ...o, review }))
  const m = { tag: opening.tag, reviewHash: saltedHash(review.salt, review.text), deadline: ctx.clock() + DEADLINE }
  const signature = signEmergency(vetoKey(ctx, opening), reviewTypedData(emergencyDomain(await homeLedger(ctx)), m))
  await callRelay(ctx, await homeRelay(ctx), 'meta', { kind: 'emergency-review', ...m, signature })
}

/** A word that spares one credential the delay and the second person, for the card in force. */
export async function preauthorise(
  ctx: Answering,
  input: { readonly credential: Uint8Array; readonly until: number },
): Promise<Preauthorisation> {
  ensure(input.until > ctx.clock(), 'BAD_INPUT', 'A preauthorisation ends in the future.')
  const signature = signEmergency(emergencyOf(ctx).veto, preauthoriseTypedData(emergencyDomain(await homeLedger(ctx)), input))
  return { ...input, signature }
}

export type Drilled = { readonly name: string; readonly url: string; readonly state: 'holds' | 'unreachable' | 'wrong' }

/** Asks each custodian to prove that it holds its share, without the share leaving it (protocol §7). */
export async function drillCustodians(ctx: Answering & { readonly custodians: Custodians }): Promise<Drilled[]> {
  const { custodians, version } = emergencyOf(ctx)
  const drilled: Drilled[] = []
  for (const { did, name, url, share } of custodians) {
    const nonce = ctx.random(32)
    const body = { nonce, bundle: encodeBundle(ownBundle(ctx.session.state.ring)) }
    const call = signCall(callerOf(ctx.session.state.ring), { relay: did, method: 'drill', body, nonce: ctx.random(16), time: ctx.clock() })
    const state = await ctx
      .custodians(url)
      .drill(call)
      .then(a => (a.version === version && equal(a.proof, hmacSha256(share.bytes, drillInput(share, nonce))) ? 'holds' : 'wrong'))
      .catch(e => {
        if (!isKeepwellError(e)) throw e
        return e.code === 'RELAY_UNREACHABLE' ? ('unreachable' as const) : ('wrong' as const)
      })
    drilled.push({ name, url, state })
  }
  const good = new Set(drilled.filter(d => d.state === 'holds').map(d => d.url))
  await changeRing(ctx, r =>
    r.emergency
      ? {
          ...r,
          emergency: {
            ...r.emergency,
            custodians: r.emergency.custodians.map(c => (good.has(c.url) ? { ...c, drilledAt: ctx.clock() } : c)),
          },
        }
      : r,
  )
  return drilled
}
