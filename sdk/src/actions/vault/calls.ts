import type { Ctx } from '#actions/context'
import { equal } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { type Bundle, bundleMessage, decodeBundle, type Party, verifyBundle } from '#identity/bundle'
import { type Call, type Caller, signCall } from '#identity/call'
import { type Did, parseDid } from '#identity/did'
import type { Keyring } from '#identity/keyring'
import { peek, type Signer, signedHash, verifySigned } from '#identity/signed'
import type { Ledger } from '#ports/ledger'
import type { Relay } from '#ports/relay'
import type { Answer, Body, MethodName } from '#wire/methods'

type Calling = Pick<Ctx, 'clock' | 'random' | 'session'>

export const ownBundle = (ring: Keyring): Bundle => decodeBundle(ring.bundle)
export const bundleVersion = (ring: Keyring): number => peek(ownBundle(ring).signed, bundleMessage).version
export const homeRelayUrl = (ring: Keyring): string => {
  const [url] = peek(ownBundle(ring).signed, bundleMessage).relays
  ensure(url, 'BAD_INPUT', 'The key bundle names no relay.')
  return url
}

export const signerOf = (ring: Keyring): Signer => ({ did: ring.did, version: bundleVersion(ring), signing: ring.signing })
export const callerOf = (ring: Keyring): Caller => ({ did: ring.did, version: bundleVersion(ring), request: ring.request })

/** Signs one call to a relay; its nonce is used once. */
export async function makeCall(ctx: Calling, relay: Relay, method: string, body: unknown): Promise<Call> {
  const { did } = await relay.info()
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

/**
 * Checks a bundle against the controller its own ledger names; where that ledger cannot be asked the DID's address speaks.
 * Throws BAD_SIGNATURE.
 */
export async function trustBundle(ctx: Pick<Ctx, 'network'>, b: Bundle): Promise<Party> {
  const claim = peek(b.signed, bundleMessage)
  const { address, chainId } = parseDid(claim.did)
  for (const url of claim.relays) {
    const ledger = await ctx.network.ledger(url).catch(() => null)
    if (ledger?.chainId === chainId) return verifyBundle(b, await ledger.identities.owner(address))
  }
  return verifyBundle(b, address)
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

async function olderBundle(ctx: Pick<Ctx, 'network'>, party: Party, relays: readonly string[]): Promise<Bundle | null> {
  for (const url of relays) {
    const found = await (await ctx.network.relay(url)).bundle(party.did, party.version - 1).catch(() => null)
    if (found && party.prev && equal(signedHash(found.signed), party.prev)) return found
  }
  return null
}

/** A party by DID: from our contacts, else from the relays named; null when nobody knows it. */
export async function findParty(ctx: Pick<Ctx, 'network' | 'session'>, did: Did, relays: readonly string[] = []): Promise<Party | null> {
  const { ring } = ctx.session.state
  if (did === ring.did) return trustBundle(ctx, ownBundle(ring))
  for (const url of [...relays, homeRelayUrl(ring)]) {
    const found = await (await ctx.network.relay(url)).bundle(did)
    if (found) return trustBundle(ctx, found)
  }
  const contact = ring.contacts.find(c => c.did === did)
  return contact ? trustBundle(ctx, decodeBundle(contact.bundle)) : null
}
