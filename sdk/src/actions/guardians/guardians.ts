import { verifiedParty } from '#actions/access/grant'
import { post } from '#actions/access/post'
import type { Ctx } from '#actions/context'
import { contactRelays, findParty, homeLedger, homeRelayUrl, ownSeat } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { equal, toHex } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { kemKeyPair } from '#crypto/kem'
import { inclusionProof, merkleRoot } from '#crypto/merkle'
import { split } from '#crypto/shamir'
import type { Did } from '#identity/did'
import { type Circle, type GuardianState, MAX_GUARDIANS, planSalt } from '#identity/guardians'
import { guardianLeaf, planHash } from '#identity/recovery-typed-data'
import type { RecoveryState } from '#ports/recoveries'
import type { GuardianMessage } from '#wire/guardians'
import { announceGuardians, recoveryContract } from './ledger.ts'

type Own = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** 72 hours (protocol §7). */
export const USUAL_DELAY = 3 * 86_400
const NONE = new Uint8Array(32)
/** On a ledger from before guardians. */
const NEVER: RecoveryState = { plan: null, pending: null, nonce: 0, cancelled: false, round: null }

export const guardiansOf = (ctx: Pick<Ctx, 'session'>): GuardianState => ctx.session.state.ring.guardians ?? { asked: [], circles: [] }

/** Asks a contact to be a guardian; asked again, a new asking takes the old one's place. Throws UNVERIFIED, NOT_FOUND, BAD_INPUT. */
export async function askGuardian(ctx: Own, did: Did): Promise<void> {
  recoveryContract(await homeLedger(ctx))
  const party = await verifiedParty(ctx, did)
  const id = ctx.random(16)
  await changeRing(ctx, r => {
    const { asked, circles } = r.guardians ?? { asked: [], circles: [] }
    const others = asked.filter(a => a.did !== did)
    ensure(others.length < MAX_GUARDIANS, 'BAD_INPUT', `There may be ${MAX_GUARDIANS} guardians.`)
    const name = r.contacts.find(c => c.did === did)?.name ?? did
    return { ...r, guardians: { circles, asked: [...others, { id, did, name, address: null, at: ctx.clock() }] } }
  })
  const ask: GuardianMessage = { t: 'ask', id, name: ctx.session.state.ring.name }
  await post(ctx, party, 'guardian', ask, { introduce: true })
}

export type SetGuardians = { readonly threshold: number; readonly delay?: number }

/**
 * Puts those who agreed in charge: a recovery key that nobody holds is split among them, the keyring is sealed to it as well, and the
 * ledger is told one hash. The first guardians are in force at once; others after the ledger's delay, and until then the old ones are.
 * Returns the names of those whom their share did not reach; it is sent again by `dealAgain`. Throws BAD_INPUT, LEDGER_REFUSED.
 */
export async function setGuardians(ctx: Own, { threshold, delay = USUAL_DELAY }: SetGuardians): Promise<string[]> {
  await settleGuardians(ctx)
  const agreed = guardiansOf(ctx).asked.filter(a => a.address !== null)
  const enough = threshold >= 2 && agreed.length > threshold
  ensure(enough, 'BAD_INPUT', `${threshold} guardians out of ${agreed.length} who agreed: take 2 or more, and have one more than you take.`)
  ensure(delay >= 86_400 && delay <= 4 * 86_400, 'BAD_INPUT', 'The time lock is one to four days.')
  const secret = ctx.random(32)
  const { shares, commitment } = await split({ secret, shares: agreed.length, threshold, random: ctx.random })
  const root = merkleRoot(agreed.map(a => guardianLeaf(a.address!)))
  const plan = { root, threshold, guardians: agreed.length, delay, salt: planSalt(commitment) }
  const seats = agreed.map(({ did, name, address }, at) => {
    const { index, bytes } = shares[at]!
    return { did, name, address: address!, share: { index, bytes }, drill: null, drilledAt: null }
  })
  const made = { ...commitment, shares: [...commitment.shares] }
  const circle: Circle = { public: (await kemKeyPair(secret)).public, plan, commitment: made, seats, at: ctx.clock() }
  // Sealed to the new key first: what stands on the ledger must always open.
  await changeRing(ctx, r => ({
    ...r,
    guardians: { asked: r.guardians?.asked ?? [], circles: [...(r.guardians?.circles ?? []).slice(-2), circle] },
  }))
  await announceGuardians(ctx, planHash(plan))
  return dealAgain(ctx)
}

/** Sends every guardian of the newest circle its share; returns the names of those out of reach. */
export async function dealAgain(ctx: Own): Promise<string[]> {
  const { asked, circles } = guardiansOf(ctx)
  const circle = circles.at(-1)
  ensure(circle, 'NOT_FOUND', 'There are no guardians yet.')
  const leaves = circle.seats.map(s => guardianLeaf(s.address))
  const relay = homeRelayUrl(ctx.session.state.ring)
  const unreached: string[] = []
  for (const [at, s] of circle.seats.entries()) {
    const id = asked.find(a => a.did === s.did)?.id
    if (!id) continue
    const held = {
      v: 1 as const,
      relay,
      plan: circle.plan,
      commitment: circle.commitment,
      share: s.share,
      path: inclusionProof(leaves, at),
    }
    await tell(ctx, s.did, { t: 'hold', id, guardianship: held }).catch(e => {
      if (!isKeepwellError(e)) throw e
      unreached.push(s.name)
    })
  }
  return unreached
}

/**
 * Asks somebody no more. Who stands in a circle in force stays there until other guardians are: call `setGuardians` with those who are
 * left, or `endGuardians`. They are told when their place has ended.
 */
export const removeGuardian = (ctx: Own, did: Did) =>
  changeRing(ctx, r => {
    const { asked, circles } = r.guardians ?? { asked: [], circles: [] }
    ensure(
      asked.some(a => a.did === did),
      'NOT_FOUND',
      'That is none of your guardians.',
    )
    return { ...r, guardians: { circles, asked: asked.filter(a => a.did !== did) } }
  })

/** Has no guardians any more, after the ledger's delay. */
export async function endGuardians(ctx: Own): Promise<void> {
  await announceGuardians(ctx, NONE)
  await changeRing(ctx, r => ({ ...r, guardians: { asked: [], circles: r.guardians?.circles ?? [] } }))
  await settleGuardians(ctx)
}

/**
 * What the ledger says of this vault's guardians, and what follows from it: circles that are neither in force nor to come are forgotten,
 * the keyring is no longer sealed to them, and whoever is in none any more is told. A running round shows here.
 */
export async function settleGuardians(ctx: Own): Promise<RecoveryState> {
  const { ring } = ctx.session.state
  const ledger = await homeLedger(ctx)
  if (!ledger.manifest['GuardianRecovery@1']) return NEVER
  const state = await ledger.recoveries.state(ownSeat(ring).address)
  const live = [state.plan, state.pending?.plan].filter(p => p !== null && p !== undefined).map(toHex)
  const circles = ring.guardians?.circles ?? []
  const over = circles.filter(c => !live.includes(toHex(planHash(c.plan))))
  // A circle of this minute may not be on the ledger yet.
  const gone = over.filter(c => c.at < ctx.clock() - 3600 || (live.length > 0 && circles.at(-1) !== c))
  if (gone.length === 0) return state
  const hashes = gone.map(c => toHex(planHash(c.plan)))
  const after = await changeRing(ctx, r => ({
    ...r,
    guardians: {
      asked: r.guardians?.asked ?? [],
      circles: (r.guardians?.circles ?? []).filter(c => !hashes.includes(toHex(planHash(c.plan)))),
    },
  }))
  const still = new Set([
    ...(after.guardians?.circles ?? []).flatMap(c => c.seats.map(s => s.did)),
    ...after.guardians!.asked.map(a => a.did),
  ])
  for (const did of new Set(gone.flatMap(c => c.seats.map(s => s.did))))
    if (!still.has(did)) await tell(ctx, did, { t: 'dismiss' }).catch(() => {})
  return state
}

/** Asks every guardian in force for a proof that it still has its share; answers come with the next messages. Returns those out of reach. */
export async function drillGuardians(ctx: Own): Promise<string[]> {
  const { plan } = await settleGuardians(ctx)
  const circle = guardiansOf(ctx).circles.find(c => plan && equal(planHash(c.plan), plan))
  ensure(circle, 'NOT_FOUND', 'No guardians are in force.')
  const nonces = circle.seats.map(() => ctx.random(32))
  await changeRing(ctx, r => ({
    ...r,
    guardians: {
      asked: r.guardians?.asked ?? [],
      circles: (r.guardians?.circles ?? []).map(c =>
        equal(planHash(c.plan), plan!) ? { ...c, seats: c.seats.map((s, at) => ({ ...s, drill: nonces[at]! })) } : c,
      ),
    },
  }))
  const unreached: string[] = []
  for (const [at, s] of circle.seats.entries())
    await tell(ctx, s.did, { t: 'drill', index: s.share.index, nonce: nonces[at]! }).catch(e => {
      if (!isKeepwellError(e)) throw e
      unreached.push(s.name)
    })
  return unreached
}

/** A message to a guardian, or to somebody guarded. */
export async function tell(ctx: Own, did: Did, content: GuardianMessage): Promise<void> {
  const party = await findParty(ctx, did, contactRelays(ctx, did))
  ensure(party, 'UNKNOWN_PARTY', 'The other’s relay does not answer.')
  await post(ctx, party, 'guardian', content, { introduce: true })
}
