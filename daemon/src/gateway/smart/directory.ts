import type { RoleName } from '@keepwell/sdk/consent/roles'

/**
 * What the authorization server needs to know of the gateway it stands in.
 *
 * - `patients` lists those who gave this organisation a live consent of something that people of that role have to do with; `name` as the
 *   consent states it.
 * - `standing` is asked at every use of a token: until when (Unix seconds) the patient's consent to read, and the one to write, last; null for
 *   none, also within, for a level without one. It must tell of a revocation as soon as the gateway knows.
 */
export interface Directory {
  patients(role: RoleName): Promise<readonly ListedPatient[]>
  standing(patient: string): Promise<Standing | null>
}

export type ListedPatient = { readonly id: string; readonly name: string }

export type Level = 'read' | 'write'
export const LEVELS: readonly Level[] = ['read', 'write']
export type Standing = Readonly<Record<Level, number | null>>
