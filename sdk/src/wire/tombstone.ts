import { bytes, type Infer, int, list, object } from '#base/shape'
import { did } from '#identity/did'

/** What the vault signs to erase, and — with `relay` set — what the relay signs once it has (protocol §8). */
export const tombstoneMessage = object({ v: int(1, 1), vault: did, ids: list(bytes(16), 4096), at: int() })
export const deletionMessage = object({ v: int(1, 1), vault: did, relay: did, ids: list(bytes(16), 4096), at: int(), tombstone: bytes(32) })
export type DeletionMessage = Infer<typeof deletionMessage>

/** What the vault signs to end itself, and what the relay signs once nothing of it is left (protocol §8). Nothing comes after it. */
export const vaultTombstone = object({ v: int(1, 1), vault: did, whole: int(1, 1), at: int() })
export const vaultDeletion = object({ v: int(1, 1), vault: did, relay: did, whole: int(1, 1), at: int(), tombstone: bytes(32) })
export type VaultDeletion = Infer<typeof vaultDeletion>
