import type { Ctx } from '#actions/context'
import { callRelay, homeLedger, homeRelay, ownSeat, seatOf } from '#actions/vault/calls'
import { equal } from '#base/bytes'
import { ensure } from '#base/error'
import { secpAddress } from '#crypto/secp'
import type { Did } from '#identity/did'
import type { Keyring } from '#identity/keyring'
import { signCancel, signSetGuardians } from '#identity/recovery-typed-data'
import { signSetRecoveryModule } from '#identity/typed-data'
import type { Ledger } from '#ports/ledger'

type Own = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

const LIFE = 3600
const NONE = new Uint8Array(32)

/** The contract of a ledger that recovers; throws NOT_SUPPORTED for a ledger from before it. */
export function recoveryContract(ledger: Pick<Ledger, 'manifest'>): string {
  const contract = ledger.manifest['GuardianRecovery@1']
  ensure(
    contract,
    'NOT_SUPPORTED',
    'This home’s ledger was made before guardians were, and has no contract for them; move to a newer home by a backup.',
  )
  return contract
}

/** Whose seat it is, where the vault's own name does not say it: so that the relay can tell its devices. */
export const movedVault = (ring: Pick<Keyring, 'did' | 'bundle'>): { readonly vault?: Did } =>
  seatOf(ring) === ring.did ? {} : { vault: ring.did }

/** Names the guardians on the ledger (32 zero bytes for none), and lets their contract replace the controller. */
export async function announceGuardians(ctx: Own, plan: Uint8Array): Promise<void> {
  const { ring } = ctx.session.state
  const ledger = await homeLedger(ctx)
  const relay = await homeRelay(ctx)
  const { address, chainId } = ownSeat(ring)
  const contract = recoveryContract(ledger)
  const deadline = ctx.clock() + LIFE
  if ((await ledger.identities.recoveryModule(address)) !== contract) {
    const module = { identity: address, module: contract, deadline }
    const nonce = await ledger.identities.nonce(secpAddress(ring.controller))
    const signature = signSetRecoveryModule(
      ring.controller,
      { chainId, contract: ledger.manifest['PatientRegistry@1']! },
      { ...module, nonce },
    )
    await callRelay(ctx, relay, 'recovery', { step: 'module', ...movedVault(ring), ...module, signature })
  }
  const state = await ledger.recoveries.state(address)
  if (equal(state.pending ? (state.pending.plan ?? NONE) : (state.plan ?? NONE), plan)) return
  const set = { identity: address, plan, deadline }
  const signature = signSetGuardians(ring.controller, { chainId, contract }, { ...set, nonce: state.nonce })
  await callRelay(ctx, relay, 'recovery', { step: 'guardians', ...movedVault(ring), ...set, signature })
}

/** Ends the running round, once: whoever holds the vault's keys says that they are not lost. Throws LEDGER_REFUSED for a final round. */
export async function cancelRecovery(ctx: Own): Promise<void> {
  const { ring } = ctx.session.state
  const ledger = await homeLedger(ctx)
  const { address, chainId } = ownSeat(ring)
  const { round } = await ledger.recoveries.state(address)
  ensure(round?.state === 'running', 'NOT_FOUND', 'No recovery of this record is under way.')
  const message = { identity: address, round: round.number, deadline: ctx.clock() + LIFE }
  const signature = signCancel(ring.controller, { chainId, contract: recoveryContract(ledger) }, message)
  await callRelay(ctx, await homeRelay(ctx), 'recovery', { step: 'cancel', ...movedVault(ring), ...message, signature })
}
