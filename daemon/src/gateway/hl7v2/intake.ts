import type { JsonObject } from '@keepwell/sdk/health/fhir/read'

/** A message as it came, to be kept as a document. `id`: of the record to be, 16 bytes, the same whenever it is filed again. */
export type Original = { readonly id: Uint8Array; readonly name: string; readonly bytes: Uint8Array }

export type FiledResource = { readonly resource: JsonObject; readonly prior?: string }

/** Where messages are filed: the gateway's own door into patients' records. */
export type Intake = {
  /**
   * Files all of it in this patient's record, in this order; resolves when it is acknowledged by the relay, with the record of each
   * resource (null: it was there already, or could not be kept). Throws NO_GRANT, DENIED, GRANT_ENDED, NOT_FOUND when there is no consent
   * to write, RELAY_UNREACHABLE and the like when it may work later.
   */
  file(patient: string, originals: readonly Original[], resources: readonly FiledResource[]): Promise<readonly (string | null)[]>
  /** Whether this patient's consent to write lives now. */
  writable(patient: string): boolean
}
