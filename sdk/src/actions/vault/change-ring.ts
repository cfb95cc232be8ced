import type { Ctx } from '#actions/context'
import { equal, toHex } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { signingPublic } from '#crypto/sign'
import { type HeadMessage, headMessage } from '#identity/head'
import { type Keyring, openKeyring, sealKeyring } from '#identity/keyring'
import { cutKeyring, wholeKeyring, withParts } from '#identity/keyring-parts'
import { bareKeyring, keyringHash, type SealedKeyring } from '#identity/sealed-keyring'
import { peek, type Signed, sign, signedHash, verifySigned } from '#identity/signed'
import type { Relay } from '#ports/relay'
import type { Answer } from '#wire/methods'
import { callRelay, homeRelay, homeRelayUrl, signerOf } from './calls.ts'

type Changing = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** Parts of the head that a change may set anew; the rest stays as it was. */
export type HeadParts = Partial<Pick<HeadMessage, 'compartments' | 'writes' | 'tombstones' | 'calendar'>>

const MAX_REBASES = 16
/** Relays from before keyrings had parts; they take them whole. */
const takingWhole = new WeakSet<Relay>()
/** Before the first tombstone: the chain begins at 32 zero bytes. */
export const NO_TOMBSTONES = { root: new Uint8Array(32), count: 0 }

/** Adopts the relay's newer keyring; refuses an older one. Returns whether anything changed. */
export async function refreshRing(ctx: Changing, state?: Answer<'get-state'>): Promise<boolean> {
  const { session } = ctx
  const have = (session.state.sealed.parts ?? []).map(p => p.hash)
  const now = state ?? (await callRelay(ctx, await homeRelay(ctx), 'get-state', have.length ? { have } : {}))
  if (!now.keyring || !now.head) return false
  const mine = session.state.ring.version
  ensure(now.keyring.version >= mine, 'HEAD_ROLLBACK', `The relay serves vault state ${now.keyring.version}, this device has seen ${mine}.`)
  const seen = session.state.head
  const same = !seen || equal(signedHash(now.head), signedHash(seen))
  if (now.keyring.version === mine) {
    ensure(same, 'FORKED', 'The relay shows another vault state of the same version; use another relay and keep both.')
    return false
  }
  const ring = await openKeyring(now.keyring, session.device, session.state)
  const head = await checkHead(ring, now.keyring, now.head)
  const follows = !seen || head.version > mine + 1 || (head.prev !== null && equal(head.prev, signedHash(seen)))
  ensure(follows, 'FORKED', 'The relay’s vault state does not follow the one this device has seen; use another relay and keep both.')
  session.state = { ring, sealed: withParts(now.keyring, session.state.sealed), head: now.head }
  return true
}

/** A head counts when the vault's own pair signed it for this very keyring. Throws BAD_SIGNATURE or HEAD_ROLLBACK. */
export async function checkHead(ring: Keyring, sealed: SealedKeyring, thing: Signed): Promise<HeadMessage> {
  const head = await verifySigned(thing, 'head', headMessage, await signingPublic(ring.signing))
  const together =
    head.vault === ring.did && thing.signer === ring.did && head.version === sealed.version && equal(keyringHash(sealed), head.keyring)
  ensure(together, 'HEAD_ROLLBACK', 'The relay’s head and keyring do not belong together.')
  return head
}

/**
 * Changes the keyring by compare-and-set of the vault head (protocol §2). `change` may run again on a newer keyring when
 * another device was first, so it must depend on its argument only.
 */
export async function changeRing(
  ctx: Changing,
  change: (ring: Keyring) => Keyring,
  more: HeadParts | ((last: HeadMessage | null) => HeadParts) = {},
): Promise<Keyring> {
  const relay = await homeRelay(ctx)
  for (let attempt = 0; ; attempt++) {
    const { ring: before, head: prev } = ctx.session.state
    const changed = { ...change(before), version: before.version + 1 }
    const cut = await (takingWhole.has(relay) ? wholeKeyring(changed) : cutKeyring(changed, ctx.random, ctx.session.state))
    const { ring } = cut
    const sealed = await sealKeyring(cut, ctx.random)
    const last = prev ? peek(prev, headMessage) : null
    const parts = typeof more === 'function' ? more(last) : more
    const message: HeadMessage = {
      v: 1,
      vault: ring.did,
      version: ring.version,
      prev: prev ? signedHash(prev) : null,
      at: ctx.clock(),
      device: ctx.session.device.id,
      devices: ring.devices.map(d => d.id),
      relays: [homeRelayUrl(ring)],
      calendar: parts.calendar ?? last?.calendar ?? new Uint8Array(32),
      keyring: keyringHash(sealed),
      compartments: parts.compartments ?? last?.compartments ?? [],
      writes: parts.writes ?? last?.writes ?? 0,
      tombstones: parts.tombstones ?? last?.tombstones ?? NO_TOMBSTONES,
    }
    const head = await sign(signerOf(ring), 'head', message)
    try {
      const own = { ...ctx, session: { ...ctx.session, state: { ring, sealed, head: prev } } }
      await leaveParts(own, relay, ctx.session.state.sealed)
      await callRelay(own, relay, 'put-head', { head, keyring: bareKeyring(sealed) })
      ctx.session.state = { ring, sealed, head }
      return ring
    } catch (e) {
      if (attempt >= MAX_REBASES || !isKeepwellError(e)) throw e
      if (e.code === 'NO_ROUTE') takingWhole.add(relay)
      else if (e.code === 'HEAD_CONFLICT') await refreshRing(ctx)
      else throw e
    }
  }
}

/** What a relay takes in one call, and a slow line in its time. */
const AT_ONCE = { parts: 64, bytes: 2 << 20 }

/** The parts that the keyring before did not have go ahead of the head that names them. */
async function leaveParts(ctx: Changing, relay: Relay, before: SealedKeyring): Promise<void> {
  const had = new Set((before.parts ?? []).map(p => toHex(p.hash)))
  const fresh = (ctx.session.state.sealed.parts ?? []).flatMap(p => (p.sealed && !had.has(toHex(p.hash)) ? [p.sealed] : []))
  for (let at = 0; at < fresh.length; ) {
    let bytes = 0
    let to = at
    while (to < fresh.length && to - at < AT_ONCE.parts && (to === at || bytes + fresh[to]!.length <= AT_ONCE.bytes))
      bytes += fresh[to++]!.length
    await callRelay(ctx, relay, 'put-parts', { parts: fresh.slice(at, to) })
    at = to
  }
}
