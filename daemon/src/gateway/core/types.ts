import type { RangedRecord } from '@keepwell/sdk/actions/access/open-session'
import type { ImportItem, Verdict } from '@keepwell/sdk/actions/records/import-item'
import type { Purpose, Terms } from '@keepwell/sdk/consent/terms'
import type { Issue } from '@keepwell/sdk/health/fhir/issue'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import type { FhirResource, Store } from '@keepwell/sdk/health/fhir/search/types'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Terminology } from '@keepwell/sdk/ports/terminology'
import type { Card } from '@keepwell/sdk/records/card'
import type { AccessRequestMessage } from '@keepwell/sdk/wire/messages'
import type { FhirRoute } from '#gateway/fhir/route'
import type { Gauge } from '#http/metrics'
import type { HttpMount, HttpUpgrade } from '#http/mount'
import type { HttpRequest, HttpRoute } from '#http/route'
import type { LogLine } from '#http/settings'
import type { Image } from './as-fhir.ts'
import type { Ids } from './ids.ts'

/**
 * One SMART v2 scope. `type` is a resource type or `*`; `query` are its search arguments, all of which a resource must meet
 * (`patient/Observation.rs?category=laboratory` → `[['category', 'laboratory']]`).
 */
export type Scope = {
  readonly context: 'patient' | 'user' | 'system'
  readonly type: string
  readonly c: boolean
  readonly r: boolean
  readonly u: boolean
  readonly d: boolean
  readonly s: boolean
  readonly query: readonly (readonly [string, string])[]
}

/** On whose behalf a request is made. `person` and `role` stand on every receipt that the patient gets. */
export type Actor = {
  /** The natural person, or the named system of the organisation: at most 200 characters. */
  readonly person: string
  /** At most 80 characters. */
  readonly role: string
  readonly purpose: Purpose
  /** Null: a system of the organisation's own, which may do all that its consents allow. */
  readonly scopes: readonly Scope[] | null
  /** Logical id of the one patient the token is for; null: all who gave a consent. */
  readonly patient: string | null
  /** Names of the parts of a record that their role may see; absent: all that the consent covers. */
  readonly parts?: readonly string[]
  /** The role as rules know it, where `role` says more to whoever reads the receipt. */
  readonly as?: string
  /** A whole record is taken out at once: it is judged as an export. */
  readonly exporting?: true
  /** The app that asks for the person, when there is one: for audit. */
  readonly client?: string
  /** What their right rests on (a key, a login, an app), for what outlasts the request: `Parts.stands` says whether it still does. */
  readonly basis?: string
}

/**
 * Who is asking. Throws UNAUTHENTICATED; never returns an actor whose token or key ended. Called for every request, so it looks things up
 * in memory. This is the seam for whatever issues tokens: the gateway's own API keys are one, the SMART server another.
 */
export type Authenticate = (request: Pick<HttpRequest, 'headers' | 'method' | 'target' | 'remote'>) => Promise<Actor>

/** A consent that lives now, and until when (Unix seconds). */
type Side = { readonly terms: Terms; readonly commitment: Uint8Array }

/** A vault whose owner gave this organisation a consent that lives now. */
export type GivingVault = {
  /** A keyed hash of the DID, so it means nothing outside this gateway, and is the same for as long as it has its keys. */
  readonly id: string
  readonly did: Did
  readonly name: string
  /** Whether records may be read, and written. */
  readonly read: Side | null
  readonly write: Side | null
}

/** A person of whom this organisation holds a consent that lives now. */
export type GatewayPatient = Pick<GivingVault, 'name' | 'read' | 'write'> & {
  /** FHIR logical id: that of the first vault. */
  readonly id: string
  /** One, or several that the organisation found to be the same person's (`Persons`), each at its own relay and under its own consents. */
  readonly vaults: readonly GivingVault[]
}

/** A record in a session: its card is there from the beginning, its content when it was opened. */
export type OpenRecord = { readonly id: string; readonly card: Card; readonly seq: number }

/**
 * One patient's record opened for one actor: the receipt was written first, everything is in memory, and goes with the grant, with idleness
 * or with `close`. Requests of the same actor share it.
 */
export type PatientSession = {
  readonly patient: GatewayPatient
  readonly actor: Pick<Actor, 'person' | 'role' | 'purpose' | 'parts' | 'as' | 'exporting'>
  /** Commitments of the consents under which it was opened. */
  readonly grants: readonly Uint8Array[]
  /** FHIR in memory with its indexes; ids, references and `meta` are the gateway's. A version is a record: its `versionId` is the record's id. */
  readonly store: Store
  /** All records that the grants cover, documents and images too, by hex id. */
  readonly records: ReadonlyMap<string, OpenRecord>
  /** The DICOM files; whole after `ready(['ImagingStudy'])`. */
  readonly images: readonly Image[]
  /** Whether the role or policies leave out something of what the patient gave: what is not here may be in that. */
  readonly narrowed: boolean
  /** Unix seconds: at the latest then it is gone. */
  readonly expires: number
  /** Aborts when the session ends; its reason is a KeepwellError (GRANT_ENDED, DENIED …). */
  readonly ended: AbortSignal
  /**
   * Resolves when all of these types, or everything, is in the store: what is asked for is opened first. Rejects with the reason when the
   * session ends before.
   */
  ready(types?: readonly string[]): Promise<void>
  /** Whether that is so now; if not, what is asked for is opened first from now on. */
  whole(types?: readonly string[]): boolean
  /** Resolves when more is known than now; rejects as `ready` does. */
  more(): Promise<void>
  /** Until everything was open once. What is filed later is waited for, as it is little. */
  readonly filling: boolean
  /** Whether there is so much of it, by the list or what the relay counted, that nobody is made to wait for the whole. */
  readonly large: boolean
  /** Who signed the record, and what it is: of FHIR that is in the store. */
  authorOf(recordId: string): Did | null
  /** Logical id of what a record became, as far as it was opened: its resource, or the study of its image. */
  idOf(recordId: string): string | undefined
  /** The vault that a record lies in. */
  vaultOf(recordId: string): Did | null
  /** Ids of vaults of this person that are not in it: their relay did not answer. */
  readonly away: readonly string[]
  /** A record by parts: DICOM, documents. NOT_FOUND for one outside the grants. Leaves a receipt. */
  openBody(recordId: string): Promise<RangedRecord>
  /** Several of them with one receipt, in any order; one that is not at the relay any more is left out. */
  openBodies(recordIds: readonly string[]): Promise<RangedRecord[]>
  /** What could not be opened, and why: an error code. */
  readonly problems: readonly { readonly id: string; readonly code: string }[]
  close(): void
}

/** Where a look ended: the highest write number seen under each consent, by its commitment in hex. */
export type Marks = Readonly<Record<string, number>>

export type FiledAfter = {
  /** Null: only the marks of now are wanted, and what `also` names. */
  readonly after: Marks | null
  /** Hex ids of records that are known to be new, wherever the marks are. */
  readonly also?: readonly string[]
  /** The types to open: `Observation`, `ImagingStudy` for images, `DocumentReference` for other files. */
  readonly wanted: (type: string) => boolean
}

/** `seq` is its write number at the relay; by it the record is found again without listing all that came before. */
export type FiledRecord = { readonly record: string; readonly seq: number; readonly type: string; readonly id: string }

/** What was filed lately, and nothing else of the record; ids and references are as in a session. */
export type Filed = { readonly store: Store; readonly marks: Marks; readonly records: readonly FiledRecord[] }

/** What is to be written: files as an import takes them, or resources as FHIR has them. */
export type Submission =
  | { readonly items: AsyncIterable<ImportItem> }
  | {
      readonly resources: readonly {
        readonly resource: JsonObject
        /** Hex id of the record that this one replaces. */
        readonly prior?: string
        /** What its validation found; absent: it is checked on the way. */
        readonly issues?: readonly Issue[]
      }[]
    }

/** What became of it; of a resource also what it is now, with version and time. */
export type Submitted = Verdict & { readonly resource?: FhirResource }

/** What a patient is asked for: compartments by name, `seconds` from the day they agree, a sentence in plain words. */
export type AskingAccess = Omit<AccessRequestMessage, 'name' | 'credential'> & { readonly from: Did }

export type Gateway = {
  readonly did: Did
  readonly name: string
  /** Unix seconds. */
  readonly clock: () => number
  readonly random: (length: number) => Uint8Array
  /** URL of the gateway as its clients reach it, without a trailing slash: `https://gateway.example`. FHIR is at `/fhir` below it. */
  readonly url: string
  /** What the operator reads: no name, no health data, no secret. */
  readonly log: (line: LogLine) => void
  readonly ids: Ids
  /** Everybody with a live consent, ordered by id. */
  patients(): readonly GatewayPatient[]
  /** Of them those who gave something that whoever asks may see or write into, for one of these purposes. */
  patientsFor(who: Pick<Actor, 'role' | 'as' | 'parts'>, purposes: readonly Purpose[]): readonly GatewayPatient[]
  /** By the id of any of their vaults. */
  patient(id: string): GatewayPatient | null
  /** Whether all of these consents, by commitment, live now: for what outlasts the session it came from. */
  holds(grants: readonly Uint8Array[]): boolean
  /**
   * Opens, or finds open, a patient's record for this actor. Resolves when the first records are indexed. Throws NOT_FOUND (no such
   * patient, or not for this actor), NO_GRANT, DENIED, RATE_LIMITED when too much is open.
   */
  session(actor: Actor, patientId: string): Promise<PatientSession>
  /**
   * Writes into a patient's record under its write consent, signed by the organisation; resolves after the relay accepted all. What was
   * written is in the writer's own session at once. Throws NO_GRANT, DENIED.
   */
  submit(actor: Actor, patientId: string, what: Submission): Promise<readonly Submitted[]>
  /**
   * What was filed in a record since a look before, opened for this actor by itself: receipts as for a session, and never more than that.
   * Throws as `session` does.
   */
  filed(actor: Actor, patientId: string, after: FiledAfter): Promise<Filed>
  /** These records alone, opened for this actor; those that are there no more are left out. Throws as `session` does. */
  opened(actor: Actor, patientId: string, records: readonly Pick<FiledRecord, 'record' | 'seq'>[]): Promise<Filed>
  /** Sessions that are open for this actor now. */
  openFor(actor: Actor): readonly PatientSession[]
  /** Asks the patient to erase a record that this organisation wrote; it is theirs to do. Throws DENIED for what others wrote. */
  askErasure(actor: Actor, session: PatientSession, recordId: string): Promise<void>
  /** Leaves a request for access with a patient, who answers in their own time. Throws UNKNOWN_PARTY. */
  ask(request: AskingAccess): Promise<void>
  /** Called when a patient's consent ended, with the logical id; returns what stops the calls. For tokens that live no longer than it. */
  onEnded(listener: (patientId: string) => void): () => void
  /** Called when other policies or rules of roles came into force: what was taken under those before is not given any more. */
  onRules(listener: () => void): () => void
  /** Called when something was filed in a record, with the patient's logical id and the records: by this gateway, or as a session saw. */
  onFiled(listener: (patientId: string, records: readonly string[]) => void): () => void
  /** Consents of these patients are watched as if their records were open, so that their end is known within seconds. */
  watch(patients: () => Iterable<string>): () => void
}

/** One of the standards' sides, as the composition root puts it before the server. */
export type GatewayPart = {
  /** At their full paths. */
  readonly routes?: readonly HttpRoute[]
  readonly mounts?: readonly HttpMount[]
  /** Interactions and operations below `/fhir`: routed and told in `/metadata` from this one list. */
  readonly fhir?: readonly FhirRoute[]
  /** `CapabilityStatement.rest.security`. */
  readonly security?: JsonObject
  /** What the CapabilityStatement says besides: extensions of `rest`, and members of a type's entry. */
  readonly told?: {
    readonly rest?: readonly JsonObject[]
    readonly types?: Readonly<Record<string, JsonObject>>
    readonly instantiates?: readonly string[]
  }
  /** Long-lived connections (RFC 6455). */
  readonly upgrades?: readonly HttpUpgrade[]
  /** What codes mean, for searches and for required value sets. */
  readonly terminology?: Terminology
  /** What it counts, for `/metrics`. */
  readonly gauges?: () => readonly Gauge[]
  /** Whether pages of an origin may call the gateway, beside those of origins that the operator named. */
  readonly mayCall?: (origin: string) => Promise<boolean>
  close?(): Promise<void> | void
}
