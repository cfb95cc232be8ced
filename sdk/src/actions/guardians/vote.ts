import { post } from '#actions/access/post'
import type { Ctx } from '#actions/context'
import { trustBundle } from '#actions/vault/calls'
import { equal } from '#base/bytes'
import { ensure } from '#base/error'
import { secpAddress } from '#crypto/secp'
import { type Did, parseDid } from '#identity/did'
import { type Guardianship, type Guarding, planHolds, sharesFor } from '#identity/guardians'
import { planHash, signVote } from '#identity/recovery-typed-data'
import type { Ledger } from '#ports/ledger'
import type { RecoveryState } from '#ports/recoveries'
import type { Plea } from '#wire/guardians'
import { recoveryContract } from './ledger.ts'
import { nextRound } from './plead.ts'
import { vaultLedgers } from './vault-ledgers.ts'

type Helping = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/**
 * A guardian's help: a vote of this round for the plea's party, and the share, sealed to it. Only after the person was seen or heard, and
 * the digits of `pleaCode` were the same on both sides: whoever shows the code gets the record if enough guardians agree. Throws
 * INVITATION_USED, NOT_FOUND, BAD_SIGNATURE, NO_GRANT when the vault's guardians are others by now, DENIED while somebody else's round runs.
 */
export async function helpRecover(ctx: Helping, p: Plea, vault: Did): Promise<void> {
  ensure(p.expiry > ctx.clock(), 'INVITATION_USED', 'The code has expired; let them begin again.')
  const own = ctx.session.state.ring.guarding?.find(g => g.vault === vault)
  ensure(own?.held && own.key, 'NOT_FOUND', 'You hold no share for them.')
  const { key } = own
  const inForce = await shareInForce(ctx, vault, own)
  ensure(inForce, 'NO_GRANT', 'Their guardians are others by now; your share opens nothing.')
  const { held, state, ledger, home, address } = inForce
  const { chainId } = ledger
  ensure(parseDid(p.did).chainId === chainId, 'BAD_INPUT', `They began at another home’s relay; their record is at ${home}.`)
  const found = await (await ctx.network.relay(p.relay)).bundle(p.did)
  ensure(found, 'UNKNOWN_PARTY', 'The relay does not know who asks; let them begin again.')
  const party = await trustBundle(ctx, found, [home])
  const same = party.did === p.did && equal(party.hash, p.bundle)
  ensure(same, 'BAD_SIGNATURE', 'The relay shows another key than the code names.')
  const newOwner = parseDid(p.did).address
  const other = state.round?.state === 'running' && state.round.newOwner !== newOwner
  ensure(!other, 'DENIED', 'Another recovery of this record is under way, for somebody else’s machine. Warn them: its owner can cancel it.')
  const round = nextRound(state)
  const vote = { identity: address, plan: planHash(held.plan), newOwner, round, deadline: p.expiry }
  const signature = signVote(key, { chainId, contract: recoveryContract(ledger) }, vote)
  const content = { v: 1, secret: p.secret, vault, held, round, guardian: secpAddress(key), signature }
  await post(ctx, party, 'guardian', content, { introduce: true })
}

type InForce = {
  readonly held: Guardianship
  readonly state: RecoveryState
  readonly ledger: Ledger
  readonly home: string
  readonly address: string
}

/** The share that the vault's ledger says counts; null when it is none of those held. Throws RELAY_UNREACHABLE when it cannot be asked. */
async function shareInForce(ctx: Helping, vault: Did, own: Guarding): Promise<InForce | null> {
  const shares = sharesFor(own)
  let asked = false
  for await (const { ledger, url, address } of vaultLedgers(ctx, vault, shares)) {
    const state = await ledger.recoveries.state(address)
    asked = true
    const held = shares.find(h => state.plan && planHolds(h, state.plan))
    if (held) return { held, state, ledger, home: url, address }
  }
  ensure(asked, 'RELAY_UNREACHABLE', 'The ledger of their record does not answer.')
  return null
}
