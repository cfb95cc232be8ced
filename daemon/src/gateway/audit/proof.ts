import type { Evidence } from '@keepwell/sdk/actions/access/ask'
import { checkEvidence } from '@keepwell/sdk/actions/access/check-evidence'
import { relayParty } from '@keepwell/sdk/actions/access/check-receipt'
import { type PlaceNow, placeNow } from '@keepwell/sdk/actions/access/place-now'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { homeRelayUrl } from '@keepwell/sdk/actions/vault/calls'
import { tells } from '@keepwell/sdk/audit/extract'
import { acceptanceMessage, receiptHash } from '@keepwell/sdk/audit/receipt'
import { toHex } from '@keepwell/sdk/base/bytes'
import { decode } from '@keepwell/sdk/base/cbor'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import { bundleMessage, decodeBundle } from '@keepwell/sdk/identity/bundle'
import type { Did } from '@keepwell/sdk/identity/did'
import { peek, type Signed, verifySigned } from '@keepwell/sdk/identity/signed'
import type { Ids } from '#gateway/core/ids'
import type { Entry, KeptTrail } from './kept.ts'

type Proving = {
  readonly ctx: Pick<Ctx, 'network' | 'session'>
  readonly ids: Pick<Ids, 'patient'>
  readonly trail: Pick<KeptTrail, 'evidence'>
}

/** `none`: nothing was opened or written, so no relay signed for it. `open`: whoever would have to be asked does not answer. */
export type Verdict =
  | { readonly holds: 'yes' }
  | { readonly holds: 'none' }
  | { readonly holds: 'no' | 'open'; readonly code: string; readonly message: string }

/** Not to be had now, which says nothing against an entry. */
const OPEN: ReadonlySet<string> = new Set(['RELAY_UNREACHABLE', 'UNKNOWN_PARTY'])

function against(e: unknown): Verdict {
  if (!isKeepwellError(e)) throw e
  return { holds: OPEN.has(e.code) ? 'open' : 'no', code: e.code, message: e.message }
}

/** What a relay signed for an entry, as it was noted. */
export type Backed = Evidence | { readonly acceptance: Signed }

/** Looks at what backs entries of this organisation's trail, anew each time it is asked. */
export type Prover = {
  verdict(entry: Entry): Promise<Verdict>
  backed(entry: Entry): Promise<Backed | null>
  /** Where its receipt lies now, or why that does not hold; null for what has none. */
  place(entry: Entry): Promise<PlaceNow | Verdict | null>
  /** The address of a relay that answers under this name. Throws UNKNOWN_PARTY. */
  relay(did: Did): Promise<string>
}

export function prover({ ctx, ids, trail }: Proving): Prover {
  const relays = new Map<string, string>()

  /** Relays are known by their names in receipts, and asked at the addresses of ours and of those we know. */
  async function relay(did: string): Promise<string> {
    const known = relays.get(did)
    if (known) return known
    const { ring } = ctx.session.state
    const urls = new Set([homeRelayUrl(ring), ...ring.contacts.flatMap(c => peek(decodeBundle(c.bundle).signed, bundleMessage).relays)])
    for (const url of urls) {
      const found = await ctx.network
        .relay(url)
        .then(r => relayParty(ctx, r))
        .catch(() => null)
      if (found) relays.set(found.did, url)
      if (found?.did === did) return url
    }
    ensure(false, 'UNKNOWN_PARTY', 'The relay that signed does not answer at any address known here.')
  }

  async function backed({ n }: Entry): Promise<Backed | null> {
    const bytes = await trail.evidence(n)
    return bytes && (decode(bytes) as Backed)
  }

  async function check(entry: Entry): Promise<Verdict> {
    const { backing } = entry
    if (!backing) return { holds: 'none' }
    const found = await backed(entry)
    ensure(found, 'BAD_PROOF', 'What the relay signed for this entry is not kept here any more.')
    const url = await relay(backing.relay)
    if ('acceptance' in found) {
      const party = await relayParty(ctx, await ctx.network.relay(url))
      const said = await verifySigned(found.acceptance, 'acceptance', acceptanceMessage, party.keys)
      const same =
        backing.by === 'acceptance' && said.seq === backing.seq && said.count === backing.count && ids.patient(said.vault) === entry.patient
      ensure(same, 'BAD_PROOF', 'The entry says something else than what the relay signed.')
      return { holds: 'yes' }
    }
    const said = await checkEvidence(ctx, url, found)
    const same =
      backing.by === 'receipt' &&
      toHex(receiptHash(found.receipt.signed)) === backing.hash &&
      tells(entry, said) &&
      entry.patient === ids.patient(said.vault)
    ensure(same, 'BAD_PROOF', 'The entry says something else than the receipt that the relay signed.')
    return { holds: 'yes' }
  }

  return {
    relay,
    backed,
    verdict: entry => check(entry).catch(against),
    async place(entry) {
      const found = await backed(entry)
      if (!found || !('receipt' in found)) return null
      return relay(entry.backing!.relay)
        .then(url => placeNow(ctx, url, found))
        .catch(against)
    },
  }
}
