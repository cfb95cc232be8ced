import { type OpenGrant, receivedGrants } from '@keepwell/sdk/actions/access/grants'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import type { Purpose } from '@keepwell/sdk/consent/terms'
import type { FhirResource } from '@keepwell/sdk/health/fhir/search/types'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Ids } from './ids.ts'
import { NO_PERSONS, type Persons } from './persons.ts'
import type { GatewayPatient, GivingVault } from './types.ts'

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

/** Every vault of which a consent lives now, by its id. */
function liveVaults(ctx: Knowing, ids: Ids): Map<string, GivingVault> {
  const now = ctx.clock()
  const byDid = Map.groupBy(
    grantsOf(ctx).filter(g => lives(g, now)),
    g => g.terms.patient,
  )
  const side = (g: OpenGrant | undefined) => g && { terms: g.terms, commitment: g.grant.commitment }
  const vaults = [...byDid].map(([did, grants]) => ({
    id: ids.patient(did),
    did,
    name: grants[0]!.grant.name,
    read: side(grants.find(g => g.terms.level !== 'write')) ?? null,
    write: side(grants.find(g => g.terms.level === 'write')) ?? null,
  }))
  return new Map(vaults.map(v => [v.id, v]))
}

/** Everybody whose consent lives now, ordered by id. Of one person's vaults the first that gave one is in front. */
function livePatients(ctx: Knowing, ids: Ids, persons: Persons): GatewayPatient[] {
  const vaults = liveVaults(ctx, ids)
  const found: GatewayPatient[] = []
  const take = (several: readonly GivingVault[]): void => {
    const [first] = several
    if (!first) return
    const either = (side: 'read' | 'write') => several.find(v => v[side])?.[side] ?? null
    found.push({ id: first.id, name: first.name, vaults: several, read: either('read'), write: either('write') })
    for (const { id } of several) vaults.delete(id)
  }
  for (const person of persons) take(person.flatMap(id => vaults.get(id) ?? []))
  for (const vault of [...vaults.values()]) take([vault])
  return found.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Whether an id is that of one of their vaults. */
export const isPatient = ({ vaults }: Pick<GatewayPatient, 'vaults'>, id: string): boolean => vaults.some(v => v.id === id)

/** The consents by which a patient's record may be read for a purpose, newest first; a proxy's right to grant reads as well. */
export const readingGrants = (ctx: Knowing, { vaults }: Pick<GatewayPatient, 'vaults'>, purpose: Purpose): OpenGrant[] =>
  grantsOf(ctx).filter(
    g =>
      vaults.some(v => v.did === g.terms.patient) &&
      g.terms.level !== 'write' &&
      g.terms.purposes.includes(purpose) &&
      lives(g, ctx.clock()),
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
  /** By the id of any of their vaults. */
  patient(id: string): GatewayPatient | null
  /** Ids of those whose consent to read ended since this was asked last. */
  ended(): string[]
  /** Consents to read of those who are known by one of these ids. */
  reading(ids: ReadonlySet<string>): Uint8Array[]
  /** The ids under which a vault is known: its own, and that of the person whose it is. */
  idsOf(did: Did): string[]
  /** Who gave this consent, whether it lives or not. */
  givers(commitment: Uint8Array): Did[]
  /** Whether any consent ran out that was there when `ended` was asked last. */
  ranOut(): boolean
}

/** Worked out anew when the keyring or what is known of persons changed, or a second has passed. */
export function consentBook(ctx: Knowing, ids: Ids, persons: () => Persons = () => NO_PERSONS): Book {
  type Live = { readonly patients: readonly GatewayPatient[]; readonly byId: ReadonlyMap<string, GatewayPatient> }
  let live: (Live & { readonly of: unknown; readonly by: Persons; readonly at: number }) | null = null
  function now(): Live {
    const { received: of } = ctx.session.state.ring
    const [at, by] = [ctx.clock(), persons()]
    if (live?.of === of && live.at === at && live.by === by) return live
    const patients = livePatients(ctx, ids, by)
    live = { of, by, at, patients, byId: new Map(patients.flatMap(p => p.vaults.map(v => [v.id, p]))) }
    return live
  }
  const patients = (): readonly GatewayPatient[] => now().patients
  const readable = (): Map<string, GatewayPatient> => new Map(patients().flatMap(p => p.vaults.flatMap(v => (v.read ? [[v.id, p]] : []))))
  let known = readable()
  return {
    patients,
    patient: id => now().byId.get(id) ?? null,
    ended() {
      const still = readable()
      const gone = [...known].filter(([id]) => !still.has(id)).flatMap(([id, person]) => [id, person.id])
      known = still
      return [...new Set(gone)]
    },
    reading: wanted =>
      patients().flatMap(p => p.vaults.flatMap(v => (v.read && (wanted.has(p.id) || wanted.has(v.id)) ? [v.read.commitment] : []))),
    idsOf(did) {
      const id = ids.patient(did)
      return [...new Set([id, known.get(id)?.id ?? id])]
    },
    givers: commitment => grantsOf(ctx).flatMap(g => (equal(g.grant.commitment, commitment) ? [g.terms.patient] : [])),
    ranOut: () => [...known.values()].some(p => p.vaults.some(v => v.read !== null && v.read.terms.expiry <= ctx.clock())),
  }
}
