import type { Ctx, Progress, Session } from '#actions/context'
import { seatOf } from '#actions/vault/calls'
import { checkHead } from '#actions/vault/change-ring'
import { makeBundle } from '#actions/vault/create-vault'
import { callAs } from '#actions/vault/offer-device'
import { handedTo, rotate } from '#actions/vault/rotate'
import { equal } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { sha256 } from '#crypto/hash'
import { kemKeyPair } from '#crypto/kem'
import { secpAddress } from '#crypto/secp'
import { combine } from '#crypto/shamir'
import { type Bundle, bundleMessage, decodeBundle, encodeBundle } from '#identity/bundle'
import { type Did, makeDid, parseDid } from '#identity/did'
import { type Keyring, openKeyring } from '#identity/keyring'
import { rootWords } from '#identity/root'
import { peek, signedHash } from '#identity/signed'
import type { RecoveryRound } from '#ports/recoveries'
import type { Restored } from '#wire/methods'
import { callPleading, type Gathered, gatherHelp, type OpenPlea, type PleaKeys, pleaKeys, withdrawPlea } from './plead.ts'

type Recovering = Pick<Ctx, 'clock' | 'random' | 'network'>

const answered = (found: Gathered | null): Gathered => {
  ensure(found, 'TOO_EARLY', 'No guardian has answered yet.')
  return found
}

/** Begins the round once guardians enough have voted; the time lock runs from then on. Throws TOO_EARLY with how many are missing. */
export async function beginRound(ctx: Recovering, open: OpenPlea): Promise<RecoveryRound> {
  const found = answered(await gatherHelp(ctx, open))
  const newOwner = parseDid(open.plea.did).address
  const { identity } = found
  const { round } = found.state
  if (round?.state === 'running' && round.newOwner === newOwner) return round
  const missing = found.needed - found.votes.length
  ensure(found.needed > 0 && missing <= 0, 'TOO_EARLY', `${found.votes.length} guardians agreed of the ${found.needed} that it takes.`)
  const [{ held }] = found.votes as [Gathered['votes'][number]]
  const votes = found.votes.map(v => ({
    guardian: v.guardian,
    index: v.held.share.index,
    path: v.held.path,
    signature: v.signature,
  }))
  const { plan } = held
  await callPleading(ctx, open, 'recovery', {
    step: 'begin',
    ...named(found, open),
    identity,
    newOwner,
    plan,
    deadline: open.plea.expiry,
    votes,
  })
  const begun = (await (await ctx.network.ledger(open.plea.relay)).recoveries.state(identity)).round
  ensure(begun, 'DEFECT', 'The ledger shows no round after one began.')
  return begun
}

export type Recovered = { readonly session: Session; readonly words: string }

export type Finishing = {
  readonly progress?: Progress
  /** Keeps what came of it, before the party that pleaded is destroyed: from then on the seed alone brings nothing back. */
  readonly keep: (recovered: Recovered) => Promise<void>
}

/**
 * After the time lock: the ledger hands the identity over, the relay releases the sealed keyring, the guardians' shares open it, and
 * everything is rotated (protocol §2): new words, keys and generations, this device alone. From `enroll` on no old device is answered.
 * Cut short, it is run again. The DID, the consents and the history stay; other guardians are to be set afterwards, for the old shares
 * were in the old keyring. Throws TOO_EARLY, NO_KEY when somebody who held the open vault took the guardians' key out of it.
 */
export async function finishRecovery(
  ctx: Recovering & Pick<Ctx, 'catalog'>,
  open: OpenPlea,
  { progress = () => {}, keep }: Finishing,
): Promise<Recovered> {
  const found = answered(await gatherHelp(ctx, open))
  await takeOver(ctx, open, found)
  const keys = await pleaKeys(open.seed)
  const relay = await ctx.network.relay(open.plea.relay)
  const first = await callPleading(ctx, open, 'recover', { vault: found.vault })
  const ring = await openReleased(first, keys, found)
  const bundle = await nextBundle(ctx, { ring, first, keys })
  const caller = { did: ring.did, version: peek(bundle.signed, bundleMessage).version, request: keys.next.request }
  await callAs(ctx, caller, relay, { method: 'enroll', body: { bundle, lookup: sha256(keys.next.recovery.tag) } })
  // Again, for an old device may have written between; from here on none can.
  const released = await callPleading(ctx, open, 'recover', { vault: found.vault })
  const session = await sessionOf(ctx, { released, keys, found, bundle, name: open.plea.name })
  const done = !session.state.ring.rotation
  const words = done ? rootWords(keys.next.root) : await rotate({ ...ctx, session }, progress)
  await keep({ session, words })
  await withdrawPlea(ctx, open).catch(() => {})
  return { session, words }
}

/** The vault, where its seat is not the address in its name: a relay could not tell its devices otherwise. */
const named = ({ vault, identity }: Gathered, { plea }: OpenPlea): { readonly vault?: Did } =>
  makeDid(parseDid(plea.did).chainId, identity) === vault ? {} : { vault }

/** Finishes the round on the ledger, unless that is done. */
async function takeOver(ctx: Recovering, open: OpenPlea, found: Gathered): Promise<void> {
  const { identity: address, state } = found
  const newOwner = parseDid(open.plea.did).address
  const { identities } = await ctx.network.ledger(open.plea.relay)
  if ((await identities.owner(address)) === newOwner) return
  const { round } = state
  ensure(round?.newOwner === newOwner && round.state !== 'finished', 'TOO_EARLY', 'No round for this machine has begun.')
  ensure(round.state === 'running', 'DENIED', 'The recovery was cancelled. One guardian more can begin it again, for good.')
  ensure(
    ctx.clock() >= round.readyAt,
    'TOO_EARLY',
    `The time lock runs for another ${Math.ceil((round.readyAt - ctx.clock()) / 3600)} hours.`,
  )
  await callPleading(ctx, open, 'recovery', { step: 'finish', ...named(found, open), identity: address, round: round.number })
}

/** Opens what the relay released: with this machine's key when a run before came so far, else with the key that the shares give. */
async function openReleased(released: Restored, keys: PleaKeys, found: Gathered): Promise<Keyring> {
  const own = await openKeyring(released.keyring, keys.device).catch(e => {
    if (isKeepwellError(e, 'NO_KEY')) return null
    throw e
  })
  if (own) return own
  const [one] = found.helps
  ensure(one && found.helps.length >= one.held.plan.threshold, 'TOO_EARLY', 'Too few guardians sent their share.')
  const pair = await kemKeyPair(
    await combine(
      found.helps.map(h => h.held.share),
      one.held.commitment,
    ),
  )
  const ring = await openKeyring(released.keyring, pair)
  ensure(ring.did === found.vault, 'BAD_SIGNATURE', 'The relay released the keyring of another record.')
  ensure(released.head, 'HEAD_ROLLBACK', 'The relay has no head of this vault.')
  await checkHead(ring, released.keyring, released.head)
  return ring
}

type Next = { readonly ring: Keyring; readonly first: Restored; readonly keys: PleaKeys }

/** The vault's next key bundle, endorsed by the controller that the guardians put in; the one there is when a run before made it. */
async function nextBundle(ctx: Recovering, { ring, first, keys }: Next): Promise<Bundle> {
  const known = peek(first.bundle.signed, bundleMessage)
  if (known.request === secpAddress(keys.next.request)) return first.bundle
  const before = decodeBundle(ring.bundle)
  ensure(
    equal(signedHash(before.signed), signedHash(first.bundle.signed)),
    'BUNDLE_ROLLBACK',
    'Keyring and key bundle at the relay do not belong together.',
  )
  const { did, version, relays, manifest } = known
  const place = { did, version: version + 1, prev: signedHash(before.signed), relays, manifest }
  // The key that was lost stands in the keyring that the guardians opened, and hands over with it.
  const handed = handedTo(ring, { seat: seatOf(ring), controller: secpAddress(keys.controller) })
  return makeBundle(ctx, { ...place, ...(handed ? { handed } : {}) }, { ...keys.next, controller: keys.controller })
}

type Opening = {
  readonly released: Restored
  readonly keys: PleaKeys
  readonly found: Gathered
  readonly bundle: Bundle
  readonly name: string
}

async function sessionOf(ctx: Recovering, { released, keys, found, bundle, name }: Opening): Promise<Session> {
  const before = await openReleased(released, keys, found)
  const device = { ...keys.device, vault: before.did, name }
  const { root, request, signing, inbox } = keys.next
  const mine = before.devices.some(d => equal(d.public, device.public))
  const ring: Keyring = mine
    ? before
    : {
        ...before,
        controller: keys.controller,
        devices: [{ id: device.id, name, public: device.public, addedAt: ctx.clock() }],
        rotation: { root, controller: keys.controller, request, signing, inbox, bundle: encodeBundle(bundle) },
      }
  return { device, state: { ring, sealed: released.keyring, head: released.head } }
}
