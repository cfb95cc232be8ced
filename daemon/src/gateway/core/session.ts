import type { Receipted } from '@keepwell/sdk/actions/access/ask'
import { receivedGrant } from '@keepwell/sdk/actions/access/grants'
import {
  type OpenedRecord,
  openSession,
  type RangedRecord,
  type ReadingSession,
  type SessionRecord,
} from '@keepwell/sdk/actions/access/open-session'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { toHex } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { isObject, type JsonObject } from '@keepwell/sdk/health/fhir/read'
import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import type { FhirResource } from '@keepwell/sdk/health/fhir/search/types'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Meta } from '@keepwell/sdk/records/plain'
import { asDocument, asImagingStudy, asResource, type Image, imageOf, type Naming, rawId } from './as-fhir.ts'
import type { Hot } from './hot.ts'
import type { Ids } from './ids.ts'
import { openAll } from './opening.ts'
import { namedPatient } from './patients.ts'
import { renamed } from './references.ts'
import type { GatewayPatient, OpenRecord, PatientSession } from './types.ts'

export type SessionParts = {
  readonly ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>
  readonly ids: Ids
  readonly url: string
  readonly patient: GatewayPatient
  readonly actor: PatientSession['actor']
  /** Commitments of the consents to open. */
  readonly grants: readonly Uint8Array[]
  /** Unix seconds. */
  readonly expires: number
  /** Told of each access under it. */
  readonly receipted?: Receipted
  /** Told when a later listing brought something that was not there. */
  readonly filed?: (records: readonly string[]) => void
  readonly hot?: Hot
}

/** What was just written here, and is therefore known without reading it back. */
export type Written = { readonly meta: Meta; readonly resource: FhirResource }

export type HeldSession = PatientSession & {
  /** Unix seconds of the last use, and of the last listing. */
  used: number
  listedAt: number
  end(reason: KeepwellError): void
  add(written: readonly Written[]): void
  /** Lists what was filed since, and opens it. */
  refresh(): Promise<void>
}

const CLOSED = new KeepwellError('GRANT_ENDED', 'The session was closed; ask again.')

/** Opens a patient's record (receipt first) and goes on opening in the background. Resolves when the first page of cards is there. */
export async function openPatientSession(parts: SessionParts): Promise<HeldSession> {
  const { ctx, patient, actor, grants, expires, receipted, hot } = parts
  const memory = remember(parts)
  const ended = new AbortController()
  const readers: ReadingSession[] = []
  const end = (reason: KeepwellError): void => {
    if (ended.signal.aborted) return
    ended.abort(reason)
    opening.stop(reason)
    for (const r of readers) r.close()
  }
  const opening = openAll({ ...memory.sink, failed: e => end(asEnd(e)) })
  const take = (fresh: readonly SessionRecord[], reader: Pick<ReadingSession, 'open' | 'ranges'>): void =>
    opening.add(memory.list(fresh.filter(mayBeSeen(parts))), reader)
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const listing = Promise.all(
    grants.map(async grant => {
      const told = { ...(receipted ? { receipted } : {}), ...(hot ? { near: hot.of(grant) } : {}) }
      const input = { grant, purpose: actor.purpose, person: actor.person, role: actor.role, ...told }
      const reader: ReadingSession = await openSession(ctx, {
        ...input,
        arrived(fresh, opener) {
          if (ended.signal.aborted) throw ended.signal.reason
          take(fresh, opener)
          begin()
        },
      })
      if (ended.signal.aborted) reader.close()
      else readers.push(reader)
    }),
  ).then(opening.listed)
  listing.catch(e => end(asEnd(e)))
  await Promise.race([begun, listing])
  const session: HeldSession = {
    patient,
    actor,
    grants,
    expires,
    get store() {
      ended.signal.throwIfAborted()
      return memory.store
    },
    records: memory.records,
    images: memory.images,
    problems: memory.problems,
    ended: ended.signal,
    used: ctx.clock(),
    listedAt: ctx.clock(),
    ready: async types => {
      await opening.ready(types ?? null)
      if (!types) memory.resolve()
    },
    some: type => opening.some(type),
    authorOf: record => memory.authors.get(record) ?? null,
    async openBody(record) {
      const [found] = await session.openBodies([record])
      ensure(found, 'NOT_FOUND', 'The record is not at the relay any more.')
      return found
    },
    async openBodies(wanted) {
      ensure(
        wanted.every(r => memory.records.has(r)),
        'NOT_FOUND',
        'There is no such record among those the consent covers.',
      )
      const left = new Set(wanted)
      const found: RangedRecord[] = []
      for (const reader of readers) {
        const here = reader.records.filter(r => left.delete(toHex(r.id)))
        if (here.length) found.push(...(await reader.ranges(here.map(r => r.id))))
      }
      ensure(left.size === 0, 'NOT_FOUND', 'That record was written just now; ask again in a moment.')
      return found
    },
    close: () => end(CLOSED),
    end,
    add: memory.add,
    async refresh() {
      session.listedAt = ctx.clock()
      try {
        const fresh: SessionRecord[] = []
        for (const r of readers) {
          const found = await r.refresh()
          fresh.push(...found)
          take(found, r)
        }
        parts.filed?.(fresh.map(r => toHex(r.id)))
      } catch (e) {
        const reason = asEnd(e)
        if (!isKeepwellError(e, 'RELAY_UNREACHABLE')) end(reason)
        throw reason
      }
    },
  }
  return session
}

/** What the role of who asks leaves of the consent: a part that the consent does not name is none of a role's. */
export function mayBeSeen({ ctx, actor, grants }: SessionParts): (record: SessionRecord) => boolean {
  const { parts } = actor
  if (!parts) return () => true
  const named = grants.flatMap(g => receivedGrant(ctx, g).package.compartments)
  const open = new Set(named.flatMap(c => (parts.includes(c.name) ? [toHex(c.id)] : [])))
  return record => open.has(toHex(record.compartment))
}

/** Why a session ended, as its user is told: a refusal of the relay means that the consent is no more. */
export function asEnd(e: unknown): KeepwellError {
  if (isKeepwellError(e, 'DENIED') || isKeepwellError(e, 'NO_GRANT'))
    return new KeepwellError('GRANT_ENDED', 'The patient’s consent has ended, or no longer covers this.', { cause: e })
  return isKeepwellError(e) ? e : new KeepwellError('DEFECT', 'The session broke.', { cause: e })
}

/** What a session holds in memory. It goes when nothing points to it any more. */
export function remember({ ctx, ids, url, patient }: SessionParts) {
  const own = ctx.session.state.ring.did
  const store = openStore({ bases: [`${url}/fhir`] })
  const records = new Map<string, OpenRecord>()
  const authors = new Map<string, Did>()
  const chains = new Map<string, string>()
  const uuids = new Map<string, string>()
  const images: Image[] = []
  const problems: { id: string; code: string }[] = []
  /** Resources with a reference to something that had not come yet. */
  const unresolved: { readonly meta: Meta; readonly parsed: JsonObject }[] = []
  const naming: Naming = {
    ids,
    patient: patient.id,
    chained: id => chains.get(id),
    typeOf: (author, uuid) => uuids.get(`${author} ${uuid}`),
  }
  const placeholder = store.put(namedPatient(patient))

  function put(meta: Meta, body: Uint8Array): void {
    try {
      const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
      ensure(isObject(parsed) && typeof parsed.resourceType === 'string', 'UNREADABLE', 'The record is no FHIR resource.')
      uuids.set(`${meta.author} ${rawId(parsed, meta).toLowerCase()}`, parsed.resourceType)
      const resource = asResource(naming, meta, parsed)
      keep(meta, resource)
      if (!meta.prior && names(resource, 'urn:uuid:')) unresolved.push({ meta, parsed })
    } catch (e) {
      problems.push({ id: toHex(meta.id), code: isKeepwellError(e) ? e.code : 'UNREADABLE' })
    }
  }

  function keep(meta: Meta, resource: FhirResource): void {
    const record = toHex(meta.id)
    authors.set(record, meta.author)
    chains.set(record, String(resource.id))
    if (resource.resourceType === 'Patient') {
      const before = store.read('Patient', patient.id)?.versionId
      if (before === placeholder.versionId) store.remove('Patient', patient.id)
      // How the organisation itself knows the patient comes before what others wrote of them.
      else if (before !== undefined && authors.get(before) === own && meta.author !== own) return
    }
    store.put(resource, { method: meta.prior ? 'PUT' : 'POST' })
  }

  return {
    store,
    records: records as ReadonlyMap<string, OpenRecord>,
    authors: authors as ReadonlyMap<string, Did>,
    images: images as readonly Image[],
    problems: problems as readonly { readonly id: string; readonly code: string }[],
    /** Logical id of what a record became: its resource, or the study of its image. */
    idOf(record: string): string | undefined {
      const study = images.find(i => i.recordId === record)?.study
      return study === undefined ? chains.get(record) : ids.resource(patient.id, 'dicom', study)
    },
    /** Notes cards; gives those that are to be opened. */
    list: (fresh: readonly SessionRecord[]): SessionRecord[] =>
      fresh.filter(r => {
        const id = toHex(r.id)
        const known = records.has(id)
        records.set(id, { id, card: r.card, seq: r.seq })
        const uuid = SOURCE.exec(r.card.source ?? '')
        if (uuid) uuids.set(`${r.card.author} ${uuid[2]}`, uuid[1]!)
        return !known && r.card.kind !== 'manifest'
      }),
    sink: {
      whole(opened: readonly OpenedRecord[]) {
        for (const o of opened) if (!authors.has(toHex(o.meta.id))) put(o.meta, o.body)
      },
      parts(opened: readonly RangedRecord[]) {
        const touched = new Set<string>()
        for (const { meta } of opened) {
          const record = records.get(toHex(meta.id))
          if (!record) continue
          const image = record.card.kind === 'dicom' ? imageOf(meta, record.card) : null
          if (!image) keep(meta, asDocument(naming, meta, record.card))
          else {
            authors.set(record.id, meta.author)
            images.push(image)
            touched.add(image.study)
          }
        }
        for (const uid of touched)
          store.put(
            asImagingStudy(
              naming,
              images.filter(i => i.study === uid),
            ),
          )
      },
      problem: (id: string, code: string) => void problems.push({ id, code }),
    },
    /** Now that everything has a name: what pointed to something that came after it. */
    resolve() {
      for (const { meta, parsed } of unresolved.splice(0)) {
        const resource = asResource(naming, meta, parsed)
        const { resourceType, id } = resource as FhirResource & { id: string }
        if (store.read(resourceType, id)?.versionId !== toHex(meta.id)) continue
        store.remove(resourceType, id)
        store.put(resource)
      }
    },
    add(written: readonly Written[]) {
      for (const { meta, resource } of written) keep(meta, resource)
    },
  }
}

/** How a card names a resource whose id is a UUID. */
const SOURCE = /^([A-Z][A-Za-z]+)\/([0-9a-f-]{36})$/

/** Whether any reference of a resource begins so. */
function names(resource: JsonObject, beginning: string): boolean {
  let found = false
  renamed(resource, reference => {
    found ||= reference.startsWith(beginning)
    return null
  })
  return found
}
