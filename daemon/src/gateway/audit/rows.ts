import { type Audited, auditEvent } from '@keepwell/sdk/audit/audit-event'
import { toBase64 } from '@keepwell/sdk/base/bytes'
import { search, searchPage } from '@keepwell/sdk/health/fhir/search/search'
import { openStore } from '@keepwell/sdk/health/fhir/search/store'
import type { FhirResource, Params, SearchIssue, Store } from '@keepwell/sdk/health/fhir/search/types'
import type { Actor, Gateway } from '#gateway/core/types'
import { demand, denied, mayTouch, visibleTo } from '#gateway/fhir/access'
import { refuse } from '#gateway/fhir/outcome'
import { etag, missing, read as readRecord } from '#gateway/fhir/read'
import type { FhirAnswer, FhirRequest, FhirRoute } from '#gateway/fhir/route'
import { bundled } from '#gateway/fhir/search'
import { patientIds } from '#gateway/fhir/whose'
import type { Entry, KeptTrail } from './kept.ts'

export type AuditDesk = { readonly gateway: Gateway; readonly trail: KeptTrail }

/** AuditEvent of R4: what was opened, written and refused at this gateway, from its own trail. */
export const auditRows = (desk: AuditDesk): FhirRoute[] => {
  const evidence = { name: 'evidence', definition: 'urn:keepwell:operation:evidence', types: ['AuditEvent'] }
  return [
    { name: 'audit', method: 'GET', path: '/AuditEvent', interaction: 'search-type', handle: searches(desk) },
    { name: 'audit', method: 'POST', path: '/AuditEvent/_search', body: 'form', handle: searches(desk) },
    { name: 'audit', method: 'GET', path: '/AuditEvent/{id}', interaction: 'read', handle: read(desk) },
    { name: 'audit', method: 'GET', path: '/AuditEvent/{id}/$evidence', operation: evidence, handle: evidenceOf(desk) },
  ]
}

const PREFIX = 'trail-'
const numberOf = (id: string): number | null => (/^trail-[1-9]\d{0,14}$/.test(id) ? Number(id.slice(PREFIX.length)) : null)

/** Who looked is not for everybody who may read: a token names the type, `*` is not enough. The organisation's own systems may. */
function mayAudit({ scopes }: Actor): void {
  if (scopes !== null && !scopes.some(s => s.type === 'AuditEvent')) throw denied('AuditEvent')
}

/** An entry as FHIR has it. */
export function asEvent(gateway: Pick<Gateway, 'did' | 'name' | 'patient'>, entry: Entry): FhirResource {
  const { n, patient, ...noted } = entry
  const audited: Audited = {
    ...noted,
    id: `${PREFIX}${n}`,
    party: { did: gateway.did, name: gateway.name },
    observer: { did: gateway.did, name: gateway.name },
    patient: patient === null ? null : { reference: `Patient/${gateway.patient(patient)?.id ?? patient}` },
  }
  return auditEvent(audited)
}

/** Of everybody together only the newest are searched. */
const MOST_OF_ALL = 2000
const MOST_STORES = 32

type Known = { upTo: number; toldUpTo: number; readonly first: number; readonly store: Store; readonly cut: boolean }
const stores = new WeakMap<KeptTrail, Map<string, Known>>()

/** The events about one patient, or the newest of all, in memory with their indexes; what was noted since is added. */
async function storeOf(desk: AuditDesk, patient: string | null): Promise<Known> {
  const { trail, gateway } = desk
  const mine = stores.get(trail) ?? new Map<string, Known>()
  stores.set(trail, mine)
  const vaults = patient === null ? null : (gateway.patient(patient)?.vaults.map(v => v.id) ?? [patient])
  const key = vaults?.join() ?? ''
  await trail.settled()
  const last = trail.last()
  let known = mine.get(key)
  const first = trail.first()
  if (!known || known.first !== first || last - known.upTo > MOST_OF_ALL) {
    const from = patient === null ? Math.max(first - 1, last - MOST_OF_ALL) : 0
    const store = openStore({ bases: [`${gateway.url}/fhir`] })
    known = { upTo: patient === null ? from : last, toldUpTo: trail.told.length, first, store, cut: from >= first }
    for (const vault of vaults ?? []) for (const entry of await trail.of(vault)) known.store.put(asEvent(desk.gateway, entry))
  }
  const changed = trail.told.slice(known.toldUpTo).filter(n => n <= known.upTo)
  known.toldUpTo = trail.told.length
  const fresh = Array.from({ length: last - known.upTo }, (_, i) => known.upTo + 1 + i)
  for (const n of [...changed, ...fresh]) {
    const entry = await trail.get(n)
    if (!entry || (vaults && !vaults.includes(entry.patient ?? ''))) continue
    known.store.remove('AuditEvent', `${PREFIX}${n}`)
    known.store.put(asEvent(desk.gateway, entry))
  }
  known.upTo = last
  mine.delete(key)
  mine.set(key, known)
  if (mine.size > MOST_STORES) mine.delete(mine.keys().next().value!)
  return known
}

const CUT: SearchIssue = {
  severity: 'warning',
  code: 'processing',
  text: `Without a patient the newest ${MOST_OF_ALL} events are searched, and no others.`,
}

/** Whose events are wanted: the token's patient, or the one that the search names. */
function patientAsked({ gateway }: AuditDesk, { actor }: FhirRequest, params: Params): string | null {
  const named = patientIds('AuditEvent', params, `${gateway.url}/fhir`)
  const [only] = new Set(named)
  if (actor.patient === null) return new Set(named).size === 1 ? only! : null
  if (named.some(id => id !== actor.patient)) throw refuse(403, 'forbidden', 'The token is for another patient.', 'http.patient')
  return actor.patient
}

const searches =
  (desk: AuditDesk) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const { actor, query, prefer } = request
    mayAudit(actor)
    demand(actor, 'AuditEvent', 's')
    const params: Params = [...query].filter(([name]) => name !== '_cursor')
    const { store, cut } = await storeOf(desk, patientAsked(desk, request, params))
    const common = { now: desk.gateway.clock() * 1000, visible: visibleTo(actor) }
    const cursor = query.get('_cursor')
    const sorted: Params = params.some(([name]) => name === '_sort') ? params : [...params, ['_sort', '-date']]
    const found = cursor
      ? searchPage(store, cursor, common)
      : search(store, { ...common, type: 'AuditEvent', params: sorted, ...(prefer.handling ? { handling: prefer.handling } : {}) })
    return { resource: bundled(request, cut ? { ...found, total: null, issues: [...found.issues, CUT] } : found) }
  }

const mine = ({ gateway }: AuditDesk, patient: string, entry: Entry): boolean =>
  entry.patient !== null && (entry.patient === patient || gateway.patient(patient)?.id === gateway.patient(entry.patient)?.id)

/** An event of the trail that the actor may see. */
async function entryFor(desk: AuditDesk, { actor }: FhirRequest, n: number): Promise<{ entry: Entry; event: FhirResource }> {
  mayAudit(actor)
  demand(actor, 'AuditEvent', 'r')
  const entry = await desk.trail.get(n)
  if (!entry || (actor.patient !== null && !mine(desk, actor.patient, entry))) throw missing('AuditEvent')
  const store = openStore({ bases: [`${desk.gateway.url}/fhir`] })
  const event = asEvent(desk.gateway, entry)
  if (!mayTouch(actor, store, store.put(event), 'r', desk.gateway.clock() * 1000)) throw denied('AuditEvent')
  return { entry, event }
}

/** Those that others filed as records are read as such. */
const read =
  (desk: AuditDesk) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const n = numberOf(request.params.id ?? '')
    if (n === null)
      return readRecord({ gateway: desk.gateway, now: () => desk.gateway.clock() * 1000 })({
        ...request,
        params: { ...request.params, type: 'AuditEvent' },
      })
    const { event } = await entryFor(desk, request, n)
    return { resource: event, headers: { etag: etag('1') } }
  }

/** What the relay signed, for whoever wants to verify it (docs/gateway.md says how). */
const evidenceOf =
  (desk: AuditDesk) =>
  async (request: FhirRequest): Promise<FhirAnswer> => {
    const n = numberOf(request.params.id ?? '')
    if (n === null) throw missing('AuditEvent')
    const { entry } = await entryFor(desk, request, n)
    const bytes = await desk.trail.evidence(n)
    if (!bytes || !entry.backing) throw refuse(404, 'not-found', 'Nothing was opened or written, so no relay signed for it.')
    return {
      resource: {
        resourceType: 'Parameters',
        parameter: [
          { name: 'kind', valueCode: entry.backing.by },
          { name: 'relay', valueString: entry.backing.relay },
          { name: 'evidence', valueBase64Binary: toBase64(bytes) },
        ],
      },
    }
  }
