import { bytes, type Infer, int, list, object, oneOf, optional, string } from '#base/shape'
import { did } from './did.ts'

/** Devices of one vault that are woken: the owner's, and those of people who are told. */
export const MAX_WAKES = 16
/** People whose devices one patient has woken. */
export const MAX_BELLS = 16

/**
 * A browser's push subscription (W3C Push API), and the key that its push service demands (VAPID, RFC 8292). The vault makes one such key for
 * each subscription: a key of the custodian's own would tell the push service which devices have the same custodian.
 */
export const wakeDevice = object({
  /** Drawn for this subscription; names nothing else. */
  id: bytes(16),
  /** Whether it is the patient who looks at it, or somebody who is told of the patient's emergencies. */
  whose: oneOf('own', 'other'),
  endpoint: string(1000, /^https?:\/\/\S+$/),
  /** Uncompressed P-256 point. */
  p256dh: bytes(65),
  auth: bytes(16),
  /** The P-256 scalar that signs for this subscription. */
  key: bytes(32),
})
export type WakeDevice = Infer<typeof wakeDevice>

/** What a custodian is told of a vault's devices: all of them, each time. */
export const wakeList = object({
  v: int(1, 1),
  vault: did,
  /** Of this list; a higher one replaces a lower, for a relay keeps no order. */
  version: int(1),
  devices: list(wakeDevice, MAX_WAKES),
})
export type WakeList = Infer<typeof wakeList>

/** What the vault itself keeps of them. */
export const wakeState = object({
  version: int(1),
  /** Custodians who were told of this version. */
  told: list(did, 32),
  devices: list(
    object({
      name: string(80),
      /** The vault's device that it runs on, when it is one: both go together. */
      device: optional(bytes(16)),
      at: int(),
      /** Version of the emergency card it was made under: who was custodian before holds the key of an older one. */
      card: int(0),
      /** When a custodian said that its push service knows it no more. */
      gone: optional(int()),
      wake: wakeDevice,
    }),
    MAX_WAKES,
  ),
  /** Contacts whose bells custodians have; absent while they were never told of any. */
  bells: optional(list(did, MAX_BELLS)),
})
export type WakeState = Infer<typeof wakeState>
