import type { Ctx } from '#actions/context'
import { changeRing } from '#actions/vault/change-ring'
import { secretKey } from '#actions/vault/create-vault'
import { equal, toHex } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { hmacSha256 } from '#crypto/hash'
import { verifyInclusion } from '#crypto/merkle'
import { secpAddress } from '#crypto/secp'
import { verifyShare } from '#crypto/shamir'
import type { Party } from '#identity/bundle'
import type { Did } from '#identity/did'
import { type Guardianship, type Guarding, MAX_SHARES, planSalt, sharesFor } from '#identity/guardians'
import type { Keyring } from '#identity/keyring'
import { guardianLeaf, planHash } from '#identity/recovery-typed-data'
import { guardianMessage } from '#wire/guardians'
import { tell } from './guardians.ts'
import { vaultLedgers } from './vault-ledgers.ts'

type Own = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** What a message between a vault and its guardians came to. */
export type GuardianNews = 'asked' | 'agreed' | 'holds' | 'drilled' | 'proved' | 'disproved' | 'dismissed'

const guardingOf = (ring: Keyring, vault: Did): Guarding | undefined => ring.guarding?.find(g => g.vault === vault)

/** Askings of strangers that wait at once: a crowd of them must not fill the keyring. */
const MAX_STRANGERS = 32

function admitAsking({ guarding = [], contacts }: Keyring, did: Did): void {
  const known = new Set(contacts.map(c => c.did))
  const strangers = guarding.filter(g => !g.key && !g.held && !known.has(g.vault) && g.vault !== did)
  ensure(known.has(did) || strangers.length < MAX_STRANGERS, 'RATE_LIMITED', 'Too many strangers asked for a guardian; answer those first.')
}

const putGuarding = (ctx: Own, vault: Did, change: (g: Guarding | undefined) => Guarding | null) =>
  changeRing(ctx, r => {
    const made = change(guardingOf(r, vault))
    return { ...r, guarding: [...(r.guarding ?? []).filter(g => g.vault !== vault), ...(made ? [made] : [])] }
  })

/** Agrees to be the guardian of somebody who asked: a key that votes for this vault alone is made, and its address told. */
export async function acceptGuarding(ctx: Own, vault: Did): Promise<void> {
  const asked = guardingOf(ctx.session.state.ring, vault)
  ensure(asked, 'NOT_FOUND', 'They did not ask you to be their guardian.')
  const key = asked.key ?? secretKey(ctx)
  await putGuarding(ctx, vault, g => (g ? { ...g, key } : null))
  await tell(ctx, vault, { t: 'accept', id: asked.id, address: secpAddress(key) })
}

/** Gives the place up: share and key are forgotten here. The other is told by the next drill, which is not answered. */
export const leaveGuarding = (ctx: Own, vault: Did) => putGuarding(ctx, vault, () => null)

/** Takes a message of kind `guardian` from a sender whose bundle was checked. Throws BAD_INPUT, NOT_FOUND, SHARE_TAMPERED. */
export async function takeGuardianMessage(ctx: Own, sender: Party, content: Uint8Array): Promise<GuardianNews> {
  const m = decodeAs(guardianMessage, content)
  const { did } = sender
  switch (m.t) {
    case 'ask':
      admitAsking(ctx.session.state.ring, did)
      // A new asking wants a new address; what is held stays until the new share comes.
      await putGuarding(ctx, did, g => ({ ...g, vault: did, name: m.name, id: m.id, key: g?.held ? g.key : null, at: ctx.clock() }))
      return 'asked'
    case 'accept':
      await noteAgreed(ctx, did, m)
      return 'agreed'
    case 'hold':
      await hold(ctx, did, m.id, m.guardianship)
      return 'holds'
    case 'drill':
      await prove(ctx, did, m)
      return 'drilled'
    case 'proof':
      return noteProof(ctx, did, m)
    case 'dismiss':
      await dismissed(ctx, did)
      return 'dismissed'
  }
}

function noteAgreed(ctx: Own, did: Did, { id, address }: { readonly id: Uint8Array; readonly address: string }) {
  return changeRing(ctx, r => {
    const asked = r.guardians?.asked ?? []
    ensure(
      asked.some(a => a.did === did && equal(a.id, id)),
      'NOT_FOUND',
      'Somebody agreed to be a guardian who was not asked.',
    )
    ensure(!asked.some(a => a.did !== did && a.address === address), 'BAD_INPUT', 'Two guardians gave one address.')
    const circles = r.guardians?.circles ?? []
    return { ...r, guardians: { circles, asked: asked.map(a => (a.did === did ? { ...a, address } : a)) } }
  })
}

/** A share is kept only when it is the one that was dealt, and this party's own address has the place that goes with it. */
async function hold(ctx: Own, did: Did, id: Uint8Array, given: Guardianship): Promise<void> {
  const own = guardingOf(ctx.session.state.ring, did)
  ensure(own?.key && equal(own.id, id), 'NOT_FOUND', 'A share arrived that was not agreed to.')
  const { plan, commitment, share, path } = given
  const whole = verifyShare(share, commitment) && equal(plan.salt, planSalt(commitment))
  ensure(whole, 'SHARE_TAMPERED', 'A share arrived that is not the one that was dealt; ask for it again.')
  const leaf = guardianLeaf(secpAddress(own.key))
  const placed = verifyInclusion({ leaf, index: share.index, size: plan.guardians, path, root: plan.root })
  ensure(placed, 'BAD_PROOF', 'A share arrived without a place among those who may vote; ask for it again.')
  // What stands until a change is in force is kept: in those days it is the only one that counts.
  const others = sharesFor(own).filter(h => !equal(planHash(h.plan), planHash(plan)))
  const earlier = others.length < MAX_SHARES ? others : await standing(ctx, did, others)
  ensure(earlier.length < MAX_SHARES, 'BAD_INPUT', 'Too many changes of guardians at once; send the share again later.')
  await putGuarding(ctx, did, g => (g ? { ...g, held: given, earlier: [...earlier] } : null))
}

/**
 * Those that the vault’s ledger knows as in force or to come, the former first; all of them while its first door does not answer.
 * What one door says stands is kept: a false one can add to them, and take none away.
 */
async function standing(ctx: Own, vault: Did, shares: readonly Guardianship[]): Promise<readonly Guardianship[]> {
  const live: string[] = []
  let asked = false
  for await (const { ledger, first, address } of vaultLedgers(ctx, vault, shares))
    try {
      const { plan, pending } = await ledger.recoveries.state(address)
      live.push(...[plan, pending?.plan].flatMap(p => (p ? [toHex(p)] : [])))
      asked ||= first
    } catch (e) {
      if (!isKeepwellError(e)) throw e
    }
  if (!asked) return shares
  const place = (h: Guardianship): number => live.indexOf(toHex(planHash(h.plan)))
  return shares.filter(h => place(h) >= 0).toSorted((one, other) => place(one) - place(other))
}

/** A place is given up when the ledger says that it has ended: whoever stole the open vault must not end it sooner by saying so. */
async function dismissed(ctx: Own, did: Did): Promise<void> {
  const own = guardingOf(ctx.session.state.ring, did)
  const still = own ? await standing(ctx, did, sharesFor(own)) : []
  ensure(
    still.length === 0,
    'TOO_EARLY',
    'Somebody wants a share given up that still counts; it is kept. Ask its owner whether that was meant.',
  )
  await leaveGuarding(ctx, did)
}

async function prove(ctx: Own, did: Did, { index, nonce }: { readonly index: number; readonly nonce: Uint8Array }): Promise<void> {
  const own = guardingOf(ctx.session.state.ring, did)
  const seated = (own ? sharesFor(own) : []).filter(h => h.share.index === index)
  // Two shares may have the same place; the drill is about the one in force.
  const [held] = seated.length > 1 ? await standing(ctx, did, seated) : seated
  ensure(held, 'NOT_FOUND', 'Somebody wants a proof of a share that is not held here.')
  await tell(ctx, did, { t: 'proof', index, nonce, mac: hmacSha256(held.share.bytes, nonce) })
}

/** Checked against the vault's own copy of the share; a nonce counts once. */
async function noteProof(ctx: Own, did: Did, m: { readonly nonce: Uint8Array; readonly mac: Uint8Array }): Promise<GuardianNews> {
  const seats = (ctx.session.state.ring.guardians?.circles ?? []).flatMap(c => c.seats)
  const seat = seats.find(s => s.did === did && s.drill && equal(s.drill, m.nonce))
  ensure(seat, 'NOT_FOUND', 'A proof arrived that nobody asked for.')
  const good = equal(hmacSha256(seat.share.bytes, m.nonce), m.mac)
  const at = ctx.clock()
  await changeRing(ctx, r => ({
    ...r,
    guardians: {
      asked: r.guardians?.asked ?? [],
      circles: (r.guardians?.circles ?? []).map(c => ({
        ...c,
        seats: c.seats.map(s =>
          s.did === did && s.drill && equal(s.drill, m.nonce) ? { ...s, drill: null, drilledAt: good ? at : s.drilledAt } : s,
        ),
      })),
    },
  }))
  return good ? 'proved' : 'disproved'
}
