import type { RoleName } from '@keepwell/sdk/consent/roles'

/**
 * What the authorization server needs to know of the gateway it stands in.
 *
 * - `patients` lists those who gave this organisation a live consent of something that people of that role have to do with; `name` as the
 *   consent states it.
 * - `standing` is asked at every use of a token: until when (Unix seconds) the patient's consent to read, and the one to write, last; null for
 *   none, also within, for a level without one. It must tell of a revocation as soon as the gateway knows.
 * - `visits` reads the record for a person of the organisation, whose name is on the receipt: it is asked when they ask. The newest first, at most
 *   {@link MOST_VISITS}. Throws NO_GRANT, DENIED, NOT_FOUND as a session does.
 */
export interface Directory {
  patients(role: RoleName): Promise<readonly ListedPatient[]>
  standing(patient: string): Promise<Standing | null>
  visits(patient: string, who: Reader): Promise<readonly ListedVisit[]>
}

/** Who reads, as receipts name them. */
export type Reader = { readonly person: string; readonly role: RoleName }
/** An Encounter of the record: its logical id, what it is called, and its days as FHIR wrote them, where it says so. */
export type ListedVisit = { readonly id: string; readonly name: string; readonly from: string; readonly to: string }
export const MOST_VISITS = 100

export type ListedPatient = { readonly id: string; readonly name: string }

export type Level = 'read' | 'write'
export const LEVELS: readonly Level[] = ['read', 'write']
export type Standing = Readonly<Record<Level, number | null>>
