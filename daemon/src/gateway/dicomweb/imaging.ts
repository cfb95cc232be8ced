import type { InstanceFacts } from '@keepwell/sdk/health/dicom/instance'

/** An instance that the caller may see. */
export type Instance = InstanceFacts & {
  /** What its keeper calls it. */
  readonly key: string
  readonly size: number
}

export type Taken = { readonly bytes: Uint8Array; readonly facts: InstanceFacts }

/**
 * What became of an instance: `stored`, also when the same bytes were there already; `other`: another instance goes by that UID;
 * `not-allowed`: nobody gave consent to write it, or it is not clear whose it is; `failed`: it could not be kept now.
 */
export type Kept = 'stored' | 'other' | 'not-allowed' | 'infected' | 'failed'

/** What the DICOMweb services and the C-STORE receiver need of whoever keeps the images. One per caller. */
export type Imaging = {
  /** The `PatientID` that chose whose images these are: it need not be what stands in the files, and is not matched again. */
  readonly chosenBy?: string
  /** Of one study, or all of them. */
  instances(study?: string): Promise<readonly Instance[]>
  /** The file as it was stored, byte for byte. */
  open(instance: Instance): Promise<Uint8Array>
  /** Many files one after another, in this order; opened together, so that a study leaves few receipts. */
  each(instances: readonly Instance[]): AsyncIterable<Uint8Array>
  /** Answers when it is durable; one verdict each, in order. The bytes are the caller’s again then. */
  store(taken: readonly Taken[]): Promise<readonly Kept[]>
  /** Keeps what could not be understood, with the reason, for people to look at. The bytes are the caller’s again then. */
  quarantine(bytes: Uint8Array, reason: string): Promise<void>
}
