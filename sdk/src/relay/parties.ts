import { equal, u32be } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import { type Bundle, bundleMessage, decodeBundle, encodeBundle, mustFollow, type Party, standingOf, verifyBundle } from '#identity/bundle'
import { type Did, parseDid } from '#identity/did'
import { type Seated, seatedNow } from '#identity/hand-over'
import { peek, signedHash } from '#identity/signed'
import type { Body } from '#wire/methods'
import type { RelayContext } from './context.ts'
import { at } from './schema.ts'

const MAX_VERSIONS = 1000

/** Key bundles were verified before they were stored; here they are only read. */
function toParty(b: Bundle): Party {
  const m = peek(b.signed, bundleMessage)
  return { ...m, keys: { ed25519: m.ed25519, mldsa65: m.mldsa65 }, hash: signedHash(b.signed) }
}

/** Bundles of those who live here, and of those who erased themselves: what they signed for others is still to be checked. */
type Bundles = 'bundle' | 'gone'

async function bundleIn(ctx: Pick<RelayContext, 'envelopes'>, kind: Bundles, did: Did, version?: number): Promise<Bundle | null> {
  return ctx.envelopes.read(did, async rows => {
    if (version !== undefined) {
      const value = await rows.get(kind, u32be(version))
      return value ? decodeBundle(value) : null
    }
    const found = await rows.scan(kind, { limit: MAX_VERSIONS })
    const last = found.at(-1)
    return last ? decodeBundle(last.value) : null
  })
}

/** The bundle of a party at a version, living or gone; without one, the latest. Null when it is not here. */
export const bundleOf = async (ctx: Pick<RelayContext, 'envelopes'>, did: Did, version?: number): Promise<Bundle | null> =>
  (await bundleIn(ctx, 'bundle', did, version)) ?? bundleIn(ctx, 'gone', did, version)

/** Whether somebody of that name lives here: has a mailbox, and may call. */
export const livesHere = async (ctx: Pick<RelayContext, 'envelopes'>, did: Did): Promise<boolean> =>
  (await bundleIn(ctx, 'bundle', did)) !== null

/** A party that erased itself; null for all others. */
export async function departed(ctx: Pick<RelayContext, 'envelopes'>, did: Did): Promise<Party | null> {
  const b = await bundleIn(ctx, 'gone', did)
  return b ? toParty(b) : null
}

/** The party behind a DID at a bundle version (default: the latest); throws UNKNOWN_PARTY, or ERASED for one that ended itself. */
export async function partyOf(ctx: Pick<RelayContext, 'envelopes'>, did: Did, version?: number): Promise<Party> {
  const b = await bundleIn(ctx, 'bundle', did, version)
  if (b) return toParty(b)
  ensure(!(await departed(ctx, did)), 'ERASED', 'That vault was erased by its owner.')
  throw new KeepwellError('UNKNOWN_PARTY', `This relay has no key bundle of ${did}; enroll it first.`)
}

/** Who has the word on a bundle's keys, and the seat whose ledger says so here; null where the bundle's own changes say it. */
type Word = { readonly controller: string; readonly by: Did | null }

/**
 * Asked of the ledger where it keeps the word on them; else the bundle's own changes say it, from the DID's address on. A party that came
 * from a seat on this ledger must have been let go by whoever had the word there, and not while it is still at home here.
 */
async function wordOn(ctx: RelayContext, b: Bundle): Promise<Word> {
  const { seats } = standingOf(b)
  const [now, ...left] = seats.toReversed()
  const ownerHere = async ({ seat }: Seated): Promise<string | null> => {
    const { chainId, address } = parseDid(seat)
    return chainId === ctx.ledger.chainId ? ctx.ledger.identities.owner(address) : null
  }
  for (const s of left) {
    const owner = await ownerHere(s)
    if (owner === null) continue
    ensure(owner === s.controller, 'BAD_SIGNATURE', 'The key that moved this party to another ledger has not the word on it here.')
    const home = await ctx.envelopes.read(b.signed.signer, rows => rows.get('state', at('head')))
    ensure(!home, 'HOME_EXISTS', 'That vault is still kept here, under the keys that this ledger names; it is not moved from afar.')
  }
  const owner = await ownerHere(now!)
  return { controller: owner ?? now!.controller, by: owner === null ? null : now!.seat }
}

/** Where the word on a party's keys is kept, as the bundle says that is in force here; the DID itself for a stranger. */
export async function seatOf(ctx: Pick<RelayContext, 'envelopes'>, did: Did): Promise<Did> {
  const b = await bundleIn(ctx, 'bundle', did)
  return b ? seatedNow(standingOf(b)).seat : did
}

/** Words that were rotated away find nothing any more. */
async function forgetOldLookup(ctx: RelayContext, did: Did, lookup: Uint8Array): Promise<void> {
  const old = await ctx.envelopes.transact(did, async rows => {
    const before = await rows.get('state', at('lookup'))
    await rows.put('state', [{ key: at('lookup'), value: lookup }])
    return before
  })
  if (old && !equal(old, lookup)) await ctx.envelopes.transact('', rows => rows.delete('lookup', [old]))
}

/** A relay takes so many parties and no more; those it knows always come in. */
async function makeRoom(ctx: RelayContext, did: Did): Promise<void> {
  if (await livesHere(ctx, did)) return
  const known = (await ctx.envelopes.vaults('bundle')).length
  ensure(known < ctx.settings.maxVaults, 'RATE_LIMITED', 'This relay takes no more parties; ask another.')
}

/** Stores a bundle after checking it: both signatures, the controller's, and that it follows the one before. */
export async function enroll(ctx: RelayContext, from: Did, body: Body<'enroll'>): Promise<Record<string, never>> {
  await makeRoom(ctx, from)
  const { controller, by } = await wordOn(ctx, body.bundle)
  const party = await verifyBundle(body.bundle, controller)
  ensure(party.did === from, 'BAD_SIGNATURE', 'A party enrolls its own key bundle only.')
  await ctx.envelopes.transact(from, async rows => {
    ensure(!(await rows.get('state', at('erased'))), 'ERASED', 'This vault was erased by its owner; it does not begin again.')
    const known = (await rows.scan('bundle', { limit: MAX_VERSIONS })).at(-1)
    const before = known ? decodeBundle(known.value) : null
    const last = before ? toParty(before) : null
    // A ledger has the last word on its own seat; a seat is come to by the keys that were in force before.
    if (before && seatedNow(standingOf(before)).seat !== by) mustFollow(before, body.bundle)
    if (last && last.version >= party.version) {
      ensure(
        last.version === party.version && last.hash.every((b, i) => b === party.hash[i]),
        'BUNDLE_ROLLBACK',
        'A newer key bundle is known here.',
      )
      return
    }
    // Who calls here now and then may have had other bundles in between. A vault that lives here has none that this relay does not know.
    const skipped = last && party.version > last.version + 1 && !(await rows.get('state', at('head')))
    if (last && !skipped)
      ensure(
        party.prev?.every((b, i) => b === last.hash[i]),
        'BUNDLE_ROLLBACK',
        'The key bundle does not follow the one known here.',
      )
    await rows.put('bundle', [{ key: u32be(party.version), value: encodeBundle(body.bundle) }])
  })
  const { lookup } = body
  if (lookup) {
    await ctx.envelopes.transact('', async rows => {
      const owner = await rows.get('lookup', lookup)
      ensure(!owner || new TextDecoder().decode(owner) === from, 'BAD_INPUT', 'That lookup tag belongs to another vault.')
      await rows.put('lookup', [{ key: lookup, value: at(from) }])
    })
    await forgetOldLookup(ctx, from, lookup)
  }
  return {}
}
