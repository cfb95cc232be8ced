import type { Ctx } from '#actions/context'
import { equal } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { type Bundle, bundleMessage, decodeBundle, mustFollow, type Party, standingOf, verifyBundle } from '#identity/bundle'
import { type Call, type Caller, signCall } from '#identity/call'
import { type Did, parseDid } from '#identity/did'
import { type Seated, seatedNow } from '#identity/hand-over'
import type { Keyring } from '#identity/keyring'
import { peek, type Signer, signedHash, verifySigned } from '#identity/signed'
import type { Ledger } from '#ports/ledger'
import type { Relay } from '#ports/relay'
import type { Answer, Body, MethodName } from '#wire/methods'

type Calling = Pick<Ctx, 'clock' | 'random' | 'session'>

export const ownBundle = (ring: Pick<Keyring, 'bundle'>): Bundle => decodeBundle(ring.bundle)
export const bundleVersion = (ring: Keyring): number => peek(ownBundle(ring).signed, bundleMessage).version
export const homeRelayUrl = (ring: Keyring): string => {
  const [url] = peek(ownBundle(ring).signed, bundleMessage).relays
  ensure(url, 'BAD_INPUT', 'The key bundle names no relay.')
  return url
}

export const signerOf = (ring: Keyring): Signer => ({ did: ring.did, version: bundleVersion(ring), signing: ring.signing })
export const callerOf = (ring: Keyring): Caller => ({ did: ring.did, version: bundleVersion(ring), request: ring.request })

const relayDids = new WeakMap<Relay, Promise<Did>>()

/** Whom calls through this door are signed for, asked once: asking each time would double every question to a relay. */
function relayDid(relay: Relay): Promise<Did> {
  const known = relayDids.get(relay)
  if (known) return known
  const asked = relay.info().then(info => info.did)
  relayDids.set(relay, asked)
  asked.catch(() => relayDids.delete(relay))
  return asked
}

/** Signs one call to a relay; its nonce is used once. */
export async function makeCall(ctx: Calling, relay: Relay, method: string, body: unknown): Promise<Call> {
  const did = await relayDid(relay)
  return signCall(callerOf(ctx.session.state.ring), { relay: did, method, body, nonce: ctx.random(16), time: ctx.clock() })
}

/** Calls a relay; one that does not know us yet is given our bundle first. */
export async function callRelay<M extends MethodName>(ctx: Calling, relay: Relay, method: M, body: Body<M>): Promise<Answer<M>> {
  try {
    return await relay.call(method, await makeCall(ctx, relay, method, body))
  } catch (e) {
    if (!isKeepwellError(e, 'UNKNOWN_PARTY') || method === 'enroll') throw e
    await relay.call('enroll', await makeCall(ctx, relay, 'enroll', { bundle: ownBundle(ctx.session.state.ring) }))
    return relay.call(method, await makeCall(ctx, relay, method, body))
  }
}

export const homeRelay = (ctx: Pick<Ctx, 'network' | 'session'>): Promise<Relay> => ctx.network.relay(homeRelayUrl(ctx.session.state.ring))
export const homeLedger = (ctx: Pick<Ctx, 'network' | 'session'>): Promise<Ledger> =>
  ctx.network.ledger(homeRelayUrl(ctx.session.state.ring))

/** Where the word on the own keys is kept: the DID itself, until the vault moved to another ledger. */
export const seatOf = (ring: Pick<Keyring, 'bundle'>): Did => seatedNow(standingOf(ownBundle(ring))).seat

/** The own seat as its ledger's contracts name it. */
export const ownSeat = (ring: Pick<Keyring, 'bundle'>): { readonly chainId: number; readonly address: string } => parseDid(seatOf(ring))

type Knowing = Pick<Ctx, 'network'> & Partial<Pick<Ctx, 'session'>>

/** The newest key bundle of a contact that was seen, or the one it came with: what later ones must follow. */
export function pinned(ctx: Knowing, did: Did): Bundle | null {
  const contact = ctx.session?.state.ring.contacts.find(c => c.did === did)
  return contact ? decodeBundle(contact.newest ?? contact.bundle) : null
}

/**
 * Checks a bundle against the controller that the ledger of its seat names. Which ledger is asked is never the bundle's own word, or
 * anyone could name a ledger of his making: our home's, those of relays that the contact came with, or `doors`, trusted for another
 * reason. Where none of them has that chain, the changes that the bundle tells of speak, from the DID's own address on. Throws
 * BAD_SIGNATURE; BUNDLE_ROLLBACK for a bundle older than the newest that was seen of the contact, and KEYS_FORKED for one of another line of keys.
 */
export async function trustBundle(ctx: Knowing, b: Bundle, doors: readonly string[] = []): Promise<Party> {
  const { did, version } = peek(b.signed, bundleMessage)
  const before = pinned(ctx, did)
  const known = before && peek(before.signed, bundleMessage)
  const home = ctx.session ? [homeRelayUrl(ctx.session.state.ring)] : []
  const { controller, by } = await wordOn(ctx, b, [...home, ...(known?.relays ?? []), ...doors])
  const party = await verifyBundle(b, controller)
  ensure(!known || version >= known.version, 'BUNDLE_ROLLBACK', 'A key bundle older than one that was seen of this contact was shown.')
  const same = !before || version > known!.version || equal(party.hash, signedHash(before.signed))
  ensure(same, 'BAD_SIGNATURE', 'Two key bundles of one version were shown.')
  if (before && seatedNow(standingOf(before)).seat !== by) mustFollow(before, b)
  return party
}

/** Who has the word on a bundle's keys, and the seat whose ledger says so; null where none that may be asked has its chain. */
async function wordOn(ctx: Knowing, b: Bundle, urls: readonly string[]): Promise<{ readonly controller: string; readonly by: Did | null }> {
  const { seats } = standingOf(b)
  const owners = await ownersOf(ctx, seats, urls)
  const now = seats.length - 1
  for (const [i, { controller }] of seats.slice(0, now).entries())
    ensure(
      owners[i] === null || owners[i] === controller,
      'BAD_SIGNATURE',
      'The key that moved this party to another ledger had not the word on it.',
    )
  const owner = owners[now] ?? null
  return { controller: owner ?? seats[now]!.controller, by: owner === null ? null : seats[now]!.seat }
}

/** The owner of each seat, where a ledger that may be asked has its chain. */
async function ownersOf(ctx: Knowing, seats: readonly Seated[], urls: readonly string[]): Promise<(string | null)[]> {
  const owners: (string | null)[] = seats.map(() => null)
  for (const url of new Set(urls)) {
    if (owners.every(o => o !== null)) break
    const ledger = await ctx.network.ledger(url).catch(() => null)
    if (!ledger) continue
    for (const [i, { seat }] of seats.entries()) {
      const { chainId, address } = parseDid(seat)
      if (owners[i] === null && ledger.chainId === chainId) owners[i] = await ledger.identities.owner(address)
    }
  }
  return owners
}

/** Whether a checked party's bundle is the one of that hash, or follows it: each names the hash of the one before. */
export async function descends(ctx: Pick<Ctx, 'network'>, party: Party, hash: Uint8Array, relays: readonly string[]): Promise<boolean> {
  let at: Pick<Party, 'did' | 'version' | 'prev' | 'hash'> = party
  while (!equal(at.hash, hash)) {
    const older = await olderBundle(ctx, at, relays)
    if (!older) return false
    at = { ...peek(older.signed, bundleMessage), hash: signedHash(older.signed) }
  }
  return true
}

/**
 * A party at an earlier bundle version: the latest is endorsed by its controller, and each names the hash of the one before, so
 * the chain down to `version` is as good. Null when a link is missing.
 */
export async function partyAt(
  ctx: Pick<Ctx, 'network' | 'session'>,
  did: Did,
  version: number,
  relays: readonly string[] = [],
): Promise<Party | null> {
  let party = await findParty(ctx, did, relays)
  if (!party) return null
  const known = [...relays, ...party.relays, homeRelayUrl(ctx.session.state.ring)]
  while (party.version > version) {
    const older = await olderBundle(ctx, party, known)
    if (!older) return null
    const m = await verifySigned(older.signed, 'bundle', bundleMessage, keysOf(older))
    party = { ...m, keys: keysOf(older), hash: signedHash(older.signed) }
  }
  return party.version === version ? party : null
}

const keysOf = (b: Bundle): Party['keys'] => {
  const { ed25519, mldsa65 } = peek(b.signed, bundleMessage)
  return { ed25519, mldsa65 }
}

async function olderBundle(
  ctx: Pick<Ctx, 'network'>,
  party: Pick<Party, 'did' | 'version' | 'prev'>,
  relays: readonly string[],
): Promise<Bundle | null> {
  for (const url of relays) {
    const found = await ctx.network
      .relay(url)
      .then(r => r.bundle(party.did, party.version - 1))
      .catch(() => null)
    if (found && party.prev && equal(signedHash(found.signed), party.prev)) return found
  }
  return null
}

/** The relays a contact came with; empty for a stranger. */
export function contactRelays(ctx: Knowing, did: Did): readonly string[] {
  const b = pinned(ctx, did)
  return b ? peek(b.signed, bundleMessage).relays : []
}

/** Every seat that a contact's keys had, the newest first, as it came; a stranger's is its DID. */
export function contactSeats(ctx: Knowing, did: Did): readonly Did[] {
  const b = pinned(ctx, did)
  return b
    ? standingOf(b)
        .seats.map(s => s.seat)
        .toReversed()
    : [did]
}

/** A party by DID: from the relays named and our own, else as the contact came; null when nobody knows it. One bad answer is passed over. */
export async function findParty(ctx: Pick<Ctx, 'network' | 'session'>, did: Did, relays: readonly string[] = []): Promise<Party | null> {
  const { ring } = ctx.session.state
  if (did === ring.did) return trustBundle(ctx, ownBundle(ring))
  let failure: unknown = null
  for (const url of [...relays, homeRelayUrl(ring)]) {
    try {
      const found = await (await ctx.network.relay(url)).bundle(did)
      if (found) return await trustBundle(ctx, found)
    } catch (e) {
      failure = e
    }
  }
  const contact = ring.contacts.find(c => c.did === did)
  if (contact) return trustBundle(ctx, decodeBundle(contact.bundle))
  if (failure) throw failure
  return null
}
