import { toBase64, utf8 } from '#base/bytes'
import { isoTime } from '#base/time'
import type { Action } from './receipt.ts'

type Json = { readonly [name: string]: unknown }

/** By what an event can be verified: the relay's receipt for an access, its acceptance for a write. */
export type Backing =
  | { readonly by: 'receipt'; readonly relay: string; readonly seq: number; readonly index: number; readonly hash: string }
  | { readonly by: 'acceptance'; readonly relay: string; readonly seq: number; readonly count: number }

/** One opening, write or refusal, as whoever tells it knows it. */
export type Audited = {
  readonly id: string
  /** Unix seconds. */
  readonly at: number
  readonly action: Action
  /** Why it was refused; absent: it was not. */
  readonly refused?: string
  /** HL7 PurposeOfUse. */
  readonly purpose: string
  /** The party that acted, with the natural person and role that it named. */
  readonly party: { readonly did: string; readonly name: string }
  readonly person?: string
  readonly role?: string
  /** The app through which they did. */
  readonly client?: string
  /** Who tells it. */
  readonly observer: { readonly did?: string; readonly name: string }
  /** Whose record; null when it is not known. */
  readonly patient: { readonly reference?: string; readonly did?: string; readonly name?: string } | null
  /** Records by hex id, with the resource that each is where that is known; what is no record, as a login, has no id. */
  readonly records: readonly { readonly id: string; readonly reference?: string | null }[]
  readonly backing?: Backing
  /** The bundle of policies under which it was decided, and those of it that took something away. */
  readonly policy?: { readonly cid: string; readonly forbids: readonly string[] }
  /** Of a look into an audit trail: what was looked for. Of a login that was changed: what it may do. */
  readonly query?: string
}

const DCM = 'http://dicom.nema.org/resources/ontology/DCM'
const ENTITY = 'http://terminology.hl7.org/CodeSystem/audit-entity-type'
const ROLE = 'http://terminology.hl7.org/CodeSystem/object-role'
export const RECORD = 'urn:keepwell:record'
export const RECEIPT = 'urn:keepwell:receipt'
export const ACCEPTANCE = 'urn:keepwell:acceptance'
export const POLICY = 'urn:keepwell:policy'
const DIDS = 'urn:ietf:rfc:3986'

const coding = (system: string, code: string, display?: string): Json => ({ system, code, ...(display ? { display } : {}) })
const party = ({ did, name }: { readonly did?: string; readonly name?: string }): Json => ({
  ...(did ? { identifier: { system: DIDS, value: did } } : {}),
  ...(name ? { display: name } : {}),
})

/** R4's letter for what was done, and the RESTful interaction that it is (IHE BALP names reads, searches, creates and updates so). */
const DONE: Readonly<Record<Action, readonly [letter: string, interaction: string]>> = {
  list: ['E', 'search-type'],
  view: ['R', 'read'],
  create: ['C', 'create'],
  update: ['U', 'update'],
  share: ['E', 'operation'],
  revoke: ['E', 'operation'],
  export: ['R', 'read'],
  erase: ['D', 'delete'],
  emergency: ['R', 'read'],
  deny: ['E', 'operation'],
}

/**
 * An AuditEvent (R4) in the shape that IHE's Basic Audit Log Patterns give to reads, searches and writes of a patient's record: who acted, in what
 * role and for what, through what, upon which records of whom, and by which receipt or acceptance that is proven.
 */
export function auditEvent(a: Audited): Json & { readonly resourceType: 'AuditEvent'; readonly id: string } {
  const [letter, interaction] = DONE[a.action]
  const writes = letter === 'C' || letter === 'U'
  return {
    resourceType: 'AuditEvent',
    id: a.id,
    meta: { versionId: '1', lastUpdated: isoTime(a.at) },
    type: coding('http://terminology.hl7.org/CodeSystem/audit-event-type', 'rest', 'RESTful Operation'),
    subtype: [coding('http://hl7.org/fhir/restful-interaction', interaction)],
    action: letter,
    recorded: isoTime(a.at),
    outcome: a.refused === undefined ? '0' : '4',
    ...(a.refused === undefined ? {} : { outcomeDesc: a.refused }),
    purposeOfEvent: [{ coding: [coding('http://terminology.hl7.org/CodeSystem/v3-ActReason', a.purpose)] }],
    agent: [
      {
        type: { coding: [coding(DCM, writes ? '110153' : '110152', writes ? 'Source Role ID' : 'Destination Role ID')] },
        who: party(a.party),
        requestor: a.person === undefined,
        ...(a.client ? { altId: a.client, name: a.client } : {}),
      },
      ...(a.person === undefined
        ? []
        : [
            {
              type: { coding: [coding('http://terminology.hl7.org/CodeSystem/v3-ParticipationType', 'IRCP', 'information recipient')] },
              ...(a.role ? { role: [{ text: a.role }] } : {}),
              who: { display: a.person },
              name: a.person,
              requestor: true,
            },
          ]),
    ],
    source: {
      observer: party(a.observer),
      type: [coding('http://terminology.hl7.org/CodeSystem/security-source-type', '4', 'Application Server')],
    },
    entity: [
      ...patientEntity(a),
      ...a.records.map(r => recordEntity(r, writes ? a.query : undefined)),
      ...policyEntity(a),
      ...queryEntity(a, writes),
      ...proofEntity(a),
    ],
  }
}

function patientEntity({ patient }: Audited): Json[] {
  if (!patient) return []
  const { reference, ...known } = patient
  return [
    {
      what: { ...(reference ? { reference } : {}), ...party(known) },
      type: coding(ENTITY, '1', 'Person'),
      role: coding(ROLE, '1', 'Patient'),
    },
  ]
}

const recordEntity = ({ id, reference }: Audited['records'][number], description?: string): Json => ({
  what: { ...(reference ? { reference } : {}), ...(id ? { identifier: { system: RECORD, value: id } } : {}) },
  type: coding(ENTITY, '2', 'System Object'),
  role: coding(ROLE, '4', 'Domain Resource'),
  ...(description === undefined ? {} : { description }),
})

/** What an auditor asks the relay, or the patient, to be shown again. */
function proofEntity({ backing }: Audited): Json[] {
  if (!backing) return []
  const { by, relay, seq } = backing
  const detail =
    by === 'receipt'
      ? [
          { type: 'log-index', valueString: String(backing.index) },
          { type: 'sha-256', valueString: backing.hash },
        ]
      : [{ type: 'records', valueString: String(backing.count) }]
  return [
    {
      what: { identifier: { system: by === 'receipt' ? RECEIPT : ACCEPTANCE, value: `${relay}#${seq}` } },
      type: coding(ENTITY, '2', 'System Object'),
      role: coding(ROLE, '13', 'Security Resource'),
      detail,
    },
  ]
}

/** As IHE's patterns for queries have it (AuditEvent.entity.query, base64 of UTF-8). */
const queryEntity = ({ query }: Audited, writes: boolean): Json[] =>
  query === undefined || writes
    ? []
    : [{ type: coding(ENTITY, '2', 'System Object'), role: coding(ROLE, '24', 'Query'), query: toBase64(utf8(query)) }]

const policyEntity = ({ policy }: Audited): Json[] =>
  policy
    ? [
        {
          what: { identifier: { system: POLICY, value: policy.cid } },
          type: coding(ENTITY, '2', 'System Object'),
          role: coding(ROLE, '13', 'Security Resource'),
          ...(policy.forbids.length ? { detail: policy.forbids.map(id => ({ type: 'forbids', valueString: id })) } : {}),
        },
      ]
    : []
