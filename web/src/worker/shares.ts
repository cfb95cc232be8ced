import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { decodeTerms, readTerms, type Terms } from '@keepwell/sdk/consent/terms'
import type { Keyring } from '@keepwell/sdk/identity/keyring'
import type { ShareView } from '#rpc/views.ts'
import { clock } from './platform.ts'
import type { OpenVault } from './vault.ts'

type Named = readonly { readonly id: Uint8Array; readonly name: string }[]
type Who = Pick<ShareView, 'did' | 'name' | 'of' | 'by'>
type Consent = Who & { readonly id: Uint8Array; readonly terms: Terms; readonly at: number; readonly ended: boolean }

const LEVELS = ['admin', 'read', 'write'] as const

/**
 * Consents that were given in one go are one share: to look after and to add by the same terms, or many named records in several. They have
 * everything in common but level and records.
 */
export function sharesOf(consents: readonly Consent[], names: Named, now: number): ShareView[] {
  const groups = Map.groupBy(consents, ({ did, of, terms: t }) =>
    JSON.stringify([
      did,
      of?.did,
      t.level === 'read',
      t.notBefore,
      t.expiry,
      t.purposes,
      t.compartments.map(toHex),
      t.records.length > 0,
      t.under && toHex(t.under),
      t.credential && toHex(t.credential),
    ]),
  )
  return [...groups.values()].map(list => {
    const sorted = list.toSorted((a, b) => LEVELS.indexOf(a.terms.level) - LEVELS.indexOf(b.terms.level))
    const [first] = sorted as [Consent]
    const { terms: t } = first
    const live = sorted.filter(c => !c.ended)
    return {
      id: toHex(first.id),
      consents: sorted.map(c => toHex(c.id)),
      did: first.did,
      name: first.name,
      level: t.level,
      mayAdd: live.some(c => c.terms.level === 'write'),
      compartments: t.compartments.map(id => names.find(n => equal(n.id, id))?.name ?? toHex(id)),
      records: new Set(sorted.flatMap(c => c.terms.records.map(toHex))).size,
      purposes: t.purposes,
      from: t.notBefore,
      until: t.expiry,
      given: first.at,
      state: live.length === 0 ? 'revoked' : t.expiry <= now ? 'expired' : 'live',
      of: first.of,
      by: first.by,
      under: t.under && toHex(t.under),
      whileVouched: t.credential !== undefined,
    }
  })
}

const termsOf = (encoded: Uint8Array): Terms => readTerms(decodeTerms(encoded).signed)
const person = (ring: Keyring, did: string, name = did): { did: string; name: string } => ({
  did,
  name: ring.contacts.find(c => c.did === did)?.name ?? name,
})

/** What one shares: of the own record, and of records that one looks after. Newest first. */
export function givenShares({ ctx }: Pick<OpenVault, 'ctx'>): ShareView[] {
  const { ring } = ctx.session.state
  const received = receivedGrants(ctx)
  const names = [...ring.compartments, ...received.flatMap(g => g.package.compartments)]
  const consents = ring.given.map((g): Consent => {
    const terms = termsOf(g.terms)
    const owner = received.find(r => r.terms.patient === terms.patient)?.grant.name
    const of = terms.patient === ring.did ? null : person(ring, terms.patient, owner)
    const who = person(ring, g.grantee, g.name)
    return { ...who, id: g.commitment, terms, at: g.at, ended: g.state === 'revoked', of, by: null }
  })
  return sharesOf(consents, names, clock()).reverse()
}

/** What caregivers passed on in one's name. It ends with the share that let them. */
export function passedShares({ ctx }: OpenVault): ShareView[] {
  const { ring } = ctx.session.state
  const ended = (under: Uint8Array | null): boolean => ring.given.some(g => under && equal(g.commitment, under) && g.state === 'revoked')
  const consents = (ring.passed ?? []).map((p): Consent => {
    const terms = termsOf(p.terms)
    const over = p.state === 'revoked' || ended(terms.under)
    return { ...person(ring, p.grantee, p.name), id: p.commitment, terms, at: p.at, ended: over, of: null, by: person(ring, p.proxy) }
  })
  return sharesOf(consents, ring.compartments, clock()).reverse()
}

/** What others share with one. */
export function receivedShares({ ctx }: Pick<OpenVault, 'ctx'>): ShareView[] {
  const { ring } = ctx.session.state
  const received = receivedGrants(ctx)
  const consents = received.map(({ grant, terms }): Consent => {
    const { signer } = decodeTerms(grant.terms).signed
    const by = signer === terms.patient ? null : person(ring, signer)
    return { did: terms.patient, name: grant.name, id: grant.commitment, terms, at: grant.at, ended: false, of: null, by }
  })
  return sharesOf(
    consents,
    received.flatMap(g => g.package.compartments),
    clock(),
  )
}
