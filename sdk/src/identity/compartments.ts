import { bytes } from '#base/shape'

/** Opaque on the wire: 16 random bytes. */
export const compartmentId = bytes(16)

/** Where a writer without a calendar entry seals to: the vault's inbox key; the vault re-files it. */
export const INBOX = new Uint8Array(16)
export const isInbox = (id: Uint8Array): boolean => id.every(b => b === 0)
