import { newGenerations, renewGrants } from '#actions/access/revoke'
import type { Ctx, Progress } from '#actions/context'
import { listEntries } from '#actions/records/list-entries'
import { moveRecords } from '#actions/records/move-records'
import { publishState } from '#actions/records/publish-state'
import { receiveRecords } from '#actions/records/receive-records'
import { renewLimits } from '#actions/rights/limits'
import { ensure } from '#base/error'
import { sha256 } from '#crypto/hash'
import { secpAddress } from '#crypto/secp'
import { drawnAnew } from '#identity/bell'
import { bundleMessage, decodeBundle, encodeBundle } from '#identity/bundle'
import { type HandOver, handOn, MAX_HAND_OVERS, readHandOvers, type Seated, seatedNow } from '#identity/hand-over'
import type { Keyring } from '#identity/keyring'
import { recoveryOf, rootWords } from '#identity/root'
import { peek, signedHash } from '#identity/signed'
import { signChangeOwner } from '#identity/typed-data'
import { callRelay, homeLedger, homeRelay, ownBundle, ownSeat, seatOf } from './calls.ts'
import { changeRing } from './change-ring.ts'
import { announceBundle, makeBundle, secretKey } from './create-vault.ts'

type Rotating = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

const BATCH = 512

/**
 * Replaces everything a thief could hold (protocol §2): words, controller, request, signing and inbox keys, every generation; and
 * re-seals every envelope. The plan is written into the keyring first, so that a rotation cut short is finished by calling again.
 * Returns the new words. What a thief fetched before stays lost.
 */
export async function rotate(ctx: Rotating, progress: Progress = () => {}): Promise<string> {
  if (!ctx.session.state.ring.rotation) await plan(ctx)
  const { rotation } = ctx.session.state.ring
  ensure(rotation, 'DEFECT', 'The rotation has no plan.')
  await handOver(ctx, rotation.controller)
  await switchKeys(ctx)
  await renewLimits(ctx)
  const compartments = ctx.session.state.ring.compartments.map(c => c.id)
  await newGenerations(ctx, compartments)
  await resealAll(ctx, progress)
  await renewGrants(ctx)
  // Whoever had the old keyring could ring, and say whose emergency it is.
  await changeRing(ctx, ({ rotation: _done, ...ring }) =>
    ring.bell ? { ...ring, bell: { ...drawnAnew(ring.bell, ctx.random), marking: ctx.random(32) } } : ring,
  )
  return rootWords(rotation.root)
}

async function plan(ctx: Rotating): Promise<void> {
  const { ring } = ctx.session.state
  const { random } = ctx
  const secrets = {
    controller: secretKey(ctx),
    request: secretKey(ctx),
    signing: { ed25519: random(32), mldsa65: random(32) },
    inbox: random(32),
  }
  const before = ownBundle(ring)
  const { did, version, relays, manifest } = peek(before.signed, bundleMessage)
  const handed = handedTo(ring, { seat: seatOf(ring), controller: secpAddress(secrets.controller) })
  const place = { did, version: version + 1, prev: signedHash(before.signed), relays, manifest }
  const bundle = await makeBundle(ctx, { ...place, ...(handed ? { handed } : {}) }, secrets)
  await changeRing(ctx, r => ({ ...r, rotation: { root: random(32), ...secrets, bundle: encodeBundle(bundle) } }))
}

/**
 * The changes of controller with one more, signed by the one in force (protocol §2). Null where an earlier one was made before they were
 * signed, or there are too many: then only the ledger can say who has the word.
 */
export function handedTo(ring: Keyring, next: Seated): HandOver[] | null {
  const { handed = [] } = ownBundle(ring)
  const proven = seatedNow(readHandOvers(ring.did, handed)).controller === secpAddress(ring.controller)
  return proven && handed.length < MAX_HAND_OVERS ? handOn(ring.controller, ring.did, handed, next) : null
}

/** The old controller names the new one on the ledger; done already when the ledger shows it. */
async function handOver(ctx: Rotating, next: Uint8Array): Promise<void> {
  const { ring } = ctx.session.state
  const ledger = await homeLedger(ctx)
  const { address, chainId } = ownSeat(ring)
  const newOwner = secpAddress(next)
  if ((await ledger.identities.owner(address)) === newOwner) return
  const fields = { identity: address, newOwner, deadline: ctx.clock() + 3600 }
  const nonce = await ledger.identities.nonce(secpAddress(ring.controller))
  const signature = signChangeOwner(ring.controller, { chainId, contract: ledger.manifest['PatientRegistry@1']! }, { ...fields, nonce })
  await callRelay(ctx, await homeRelay(ctx), 'meta', { kind: 'change-owner', ...fields, signature })
}

/** The relay learns the new bundle, then the keyring turns to the new keys; the old inbox key stays for what was sealed to it. */
async function switchKeys(ctx: Rotating): Promise<void> {
  const { rotation } = ctx.session.state.ring
  if (
    !rotation ||
    peek(decodeBundle(rotation.bundle).signed, bundleMessage).version <=
      peek(ownBundle(ctx.session.state.ring).signed, bundleMessage).version
  )
    return
  const recovery = await recoveryOf(rotation.root)
  const turn = (ring: Keyring): Keyring => ({
    ...ring,
    controller: rotation.controller,
    request: rotation.request,
    signing: rotation.signing,
    inbox: rotation.inbox,
    oldInboxes: [...(ring.oldInboxes ?? []), ring.inbox],
    bundle: rotation.bundle,
    recovery: { public: recovery.public, tag: recovery.tag },
  })
  const next = { ...ctx, session: { ...ctx.session, state: { ...ctx.session.state, ring: turn(ctx.session.state.ring) } } }
  await callRelay(next, await homeRelay(ctx), 'enroll', { bundle: decodeBundle(rotation.bundle), lookup: sha256(recovery.tag) })
  await changeRing(ctx, turn)
  await announceBundle(ctx)
}

async function resealAll(ctx: Rotating, progress: Progress): Promise<void> {
  // What other devices filed is still under the old keys, and after a recovery the catalog is empty.
  await receiveRecords(ctx)
  const entries = await listEntries(ctx)
  const generation = new Map(ctx.session.state.ring.compartments.map(c => [c.id.join(), c.generation]))
  const byCompartment = Map.groupBy(entries, e => e.compartment.join())
  let done = 0
  for (const [key, list] of byCompartment) {
    const old = list.filter(e => e.generation !== generation.get(key))
    for (let at = 0; at < old.length; at += BATCH) {
      const some = old.slice(at, at + BATCH)
      await moveRecords(ctx, some, some[0]!.compartment)
      done += some.length
      progress(done, entries.length)
    }
  }
  await publishState(ctx)
}
