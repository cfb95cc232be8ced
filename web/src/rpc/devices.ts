/** A device that waits to be let in. `link` is shown as a QR code; `digits` are compared on both screens. */
export type Waiting = { readonly link: string; readonly digits: string; readonly until: number }

/** Whose record the new device was let into. */
export type LetIn = { readonly did: string; readonly name: string; readonly fingerprint: string }

/** A new device, as the one that opens the record sees it before it is let in. */
export type NewDevice = { readonly name: string; readonly digits: string; readonly until: number }

/** A recovery of this record that runs: when it can be finished, and whether it can still be stopped. */
export type RoundView = { readonly readyAt: number; readonly final: boolean }

export type DeviceView = { readonly id: string; readonly name: string; readonly since: number; readonly here: boolean }

/** One way of opening the record on this device. */
export type LockCard =
  | { readonly kind: 'passphrase' }
  | { readonly kind: 'passkey'; readonly credential: Uint8Array; readonly salt: Uint8Array }

/** What is still to be done to make sure that the record is never lost. */
export type Safety = {
  readonly devices: number
  readonly backupAt: number | null
  /** Whether the person wanted to hear by now that the last backup is old. */
  readonly backupDue: boolean
  readonly records: number
  readonly wordsChecked: boolean
  /** What is owed about guardians; null when they are in place, or when there is nobody who could be one. */
  readonly guardians: 'choose' | 'again' | null
}

/** New keys for everything, as they are made. */
export type Rekeying = { readonly done: number; readonly total: number | null }
