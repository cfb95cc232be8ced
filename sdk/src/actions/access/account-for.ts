import type { Ctx } from '#actions/context'
import { homeLedger, homeRelay } from '#actions/vault/calls'
import type { Accounting, Basis, Disclosure } from '#audit/accounting'
import { toHex } from '#base/bytes'
import { forEmergencies } from '#consent/limits'
import { decodeTerms, readTerms } from '#consent/terms'
import type { Keyring } from '#identity/keyring'
import { relayParty } from './check-receipt.ts'
import type { Looked, Trail } from './verify-trail.ts'

type Reckoning = Pick<Ctx, 'clock' | 'network' | 'session'>

export type AccountFor = {
  readonly trail: Trail
  /** Both ends included, Unix seconds; null for since the beginning. */
  readonly from: number | null
  readonly until: number
  /** With the owner's own openings. */
  readonly own: boolean
  readonly titleOf: (id: string) => string | null
}

/** Everything that was disclosed in a time, newest first, from a trail that was checked just now. */
export async function accountFor(ctx: Reckoning, { trail, from, until, own, titleOf }: AccountFor): Promise<Accounting> {
  const { ring } = ctx.session.state
  const inside = ({ receipt: r }: Looked): boolean => (own || r.actor !== ring.did) && (from === null || r.time >= from) && r.time <= until
  const { relay, logSize, anchored } = trail
  return {
    vault: ring.did,
    name: ring.name,
    made: ctx.clock(),
    from,
    until,
    own,
    disclosures: trail.looked
      .filter(inside)
      .map(l => disclosureOf(ring, l, titleOf))
      .reverse(),
    receipts: trail.looked.length,
    problems: trail.problems,
    log: { relay, size: logSize, ledger: await ledgerOf(ctx), anchored: anchored && { ...anchored, root: toHex(anchored.root) } },
  }
}

async function ledgerOf(ctx: Reckoning): Promise<Accounting['log']['ledger']> {
  const ledger = await homeLedger(ctx)
  const contract = ledger.manifest['AuditTrail@1']
  const { request: log } = await relayParty(ctx, await homeRelay(ctx))
  return contract ? { chainId: ledger.chainId, contract, log } : null
}

function disclosureOf(ring: Keyring, looked: Looked, titleOf: AccountFor['titleOf']): Disclosure {
  const { receipt: r, name, index, hash, reader } = looked
  const own = r.actor === ring.did
  const contact = ring.contacts.find(c => c.did === r.actor)
  const parts = new Map(ring.compartments.map(c => [toHex(c.id), c.name]))
  return {
    time: r.time,
    recipient: {
      did: r.actor,
      name: own ? ring.name : name,
      own,
      standing: own || contact?.verified ? 'verified' : contact ? 'unverified' : 'unknown',
      person: r.person ?? null,
      role: r.role ?? null,
    },
    action: r.action,
    refused: r.verdict === 'denied' ? r.reasons : null,
    records: r.ids.map(id => ({ id: toHex(id), title: titleOf(toHex(id)) })),
    parts: r.compartments.map(id => parts.get(toHex(id)) ?? toHex(id)),
    purpose: r.purpose,
    basis: own ? { kind: 'owner' } : basisOf(ring, looked),
    receipt: { seq: r.seq, index, hash: toHex(hash), reader },
  }
}

/** The consent it was read under: the person's own, or one that a proxy gave in their name. */
function basisOf(ring: Keyring, { receipt: r, grant, proxy }: Looked): Basis {
  if (r.action === 'emergency') return { kind: 'emergency' }
  const id = grant
  const found = ring.given.find(g => toHex(g.commitment) === id) ?? ring.passed?.find(p => toHex(p.commitment) === id)
  if (!found) return r.purpose === 'ETREAT' ? { kind: 'emergency' } : { kind: 'unknown' }
  const terms = readTerms(decodeTerms(found.terms).signed)
  if (forEmergencies(terms.purposes)) return { kind: 'emergency' }
  const by = proxy && (ring.contacts.find(c => c.did === proxy)?.name ?? proxy)
  return { kind: 'consent', from: terms.notBefore, until: terms.expiry, by }
}
