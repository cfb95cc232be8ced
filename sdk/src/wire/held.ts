import { receipt } from '#audit/receipt'
import { bytes, type Infer, int, object } from '#base/shape'
import { call } from '#identity/call'
import { inclusion } from './methods.ts'

/** Method of the call that a reader signs to whoever holds the content; its body names the receipt. */
export const HELD = 'held'
export const heldBody = object({ receipt: bytes(32) })

/**
 * What a reader shows to whoever holds the content of a record (protocol §13), in the place of a relay's capability: a call of its own to that
 * holder, the receipt of this opening with its place in the relay's log, and the relay's capability, by which the holder sees that the
 * record still stands.
 */
export const reading = object({ v: int(1, 1), call, receipt, inclusion, capability: bytes({ max: 1 << 18 }) })
export type Reading = Infer<typeof reading>

/** Longest reading that is looked at. */
export const MAX_READING = 1 << 19
