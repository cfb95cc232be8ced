import { type OpenGrant, receivedGrants } from '@keepwell/sdk/actions/access/grants'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import type { Purpose } from '@keepwell/sdk/consent/terms'
import type { FhirResource } from '@keepwell/sdk/health/fhir/search/types'
import type { Ids } from './ids.ts'
import type { GatewayPatient } from './types.ts'

type Knowing = Pick<Ctx, 'clock' | 'session'>

/** Decoded once for each state of the keyring: there may be thousands, and every request asks. */
const decoded = new WeakMap<object, OpenGrant[]>()

function grantsOf(ctx: Knowing): OpenGrant[] {
  const { received } = ctx.session.state.ring
  const known = decoded.get(received) ?? receivedGrants(ctx)
  decoded.set(received, known)
  return known
}

const lives = (g: OpenGrant, now: number): boolean => g.terms.notBefore <= now && g.terms.expiry > now

/** Everybody whose consent lives now, ordered by id. */
export function livePatients(ctx: Knowing, ids: Ids): GatewayPatient[] {
  const now = ctx.clock()
  const byDid = Map.groupBy(
    grantsOf(ctx).filter(g => lives(g, now)),
    g => g.terms.patient,
  )
  const side = (g: OpenGrant | undefined) => g && { terms: g.terms, commitment: g.grant.commitment }
  return [...byDid]
    .map(([did, grants]) => ({
      id: ids.patient(did),
      did,
      name: grants[0]!.grant.name,
      read: side(grants.find(g => g.terms.level !== 'write')) ?? null,
      write: side(grants.find(g => g.terms.level === 'write')) ?? null,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** The consents by which a patient's record may be read for a purpose, newest first; a proxy's right to grant reads as well. */
export const readingGrants = (ctx: Knowing, did: string, purpose: Purpose): OpenGrant[] =>
  grantsOf(ctx).filter(
    g => g.terms.patient === did && g.terms.level !== 'write' && g.terms.purposes.includes(purpose) && lives(g, ctx.clock()),
  )

/** All consents that live now, by whose record they are of. */
export const givenBy = (ctx: Knowing): Map<string, OpenGrant[]> =>
  Map.groupBy(
    grantsOf(ctx).filter(g => lives(g, ctx.clock())),
    g => g.terms.patient,
  )

const byCommitment = new WeakMap<OpenGrant[], ReadonlyMap<string, OpenGrant>>()

/** Whether a consent is still among those received, and its time is not over. */
export function consentLives(ctx: Knowing, commitment: Uint8Array): boolean {
  const grants = grantsOf(ctx)
  const known = byCommitment.get(grants) ?? new Map(grants.map(g => [toHex(g.grant.commitment), g]))
  byCommitment.set(grants, known)
  const found = known.get(toHex(commitment))
  return found !== undefined && lives(found, ctx.clock())
}
/** Commitments of all consents that live now. */
export const livingGrants = (ctx: Knowing): Uint8Array[] => grantsOf(ctx).flatMap(g => (lives(g, ctx.clock()) ? [g.grant.commitment] : []))

/** A patient of whom nothing is known but the name under which the consent came. */
export const namedPatient = ({ id, name }: Pick<GatewayPatient, 'id' | 'name'>): FhirResource => ({
  resourceType: 'Patient',
  id,
  meta: { versionId: '0', lastUpdated: '1970-01-01T00:00:00Z' },
  ...(name ? { name: [{ text: name }] } : {}),
})

/** Who gave what, as it stands now. */
export type Book = {
  patients(): readonly GatewayPatient[]
  /** Ids of those whose consent to read ended since this was asked last. */
  ended(): string[]
  /** Ids of the patient who gave this consent, whether it lives or not. */
  givers(commitment: Uint8Array): string[]
  /** Whether any consent ran out that was there when `ended` was asked last. */
  ranOut(): boolean
}

/** Worked out anew when the keyring changed, or a second has passed. */
export function consentBook(ctx: Knowing, ids: Ids): Book {
  let live: { readonly of: unknown; readonly at: number; readonly patients: readonly GatewayPatient[] } | null = null
  function patients(): readonly GatewayPatient[] {
    const { received } = ctx.session.state.ring
    const now = ctx.clock()
    if (live?.of !== received || live.at !== now) live = { of: received, at: now, patients: livePatients(ctx, ids) }
    return live.patients
  }
  let known = patients()
  return {
    patients,
    ended() {
      const readable = new Set(patients().flatMap(p => (p.read ? [p.id] : [])))
      const gone = known.filter(p => p.read && !readable.has(p.id)).map(p => p.id)
      known = patients()
      return gone
    },
    givers: commitment => grantsOf(ctx).flatMap(g => (equal(g.grant.commitment, commitment) ? [ids.patient(g.terms.patient)] : [])),
    ranOut: () => known.some(p => p.read !== null && p.read.terms.expiry <= ctx.clock()),
  }
}
