/** What page, worker and guard have in common about devices that are woken. */

/** A browser's push subscription (W3C Push API), as the page had it: bytes as they are. */
export type Subscription = { readonly endpoint: string; readonly p256dh: Uint8Array; readonly auth: Uint8Array }

export type WakeView = {
  readonly id: string
  readonly name: string
  readonly whose: 'own' | 'other'
  readonly at: number
  /** Its push service knows it no more: it is not woken. */
  readonly gone: boolean
  /** This very device, by the vault. */
  readonly here: boolean
  /** This browser's subscription. */
  readonly subscribed: boolean
  /** Made before the custodians of now. */
  readonly stale: boolean
}

/** What a device is woken for: the own emergencies, by custodians, or those of people whom one looks after, by the own relay. */
export type WokenFor = 'own' | 'others'

/** A person whom this device may be woken for, and whether they have what it takes. */
export type LookedAfter = { readonly did: string; readonly name: string; readonly given: boolean }
export type BellView = { readonly devices: readonly Omit<WakeView, 'whose' | 'gone' | 'stale'>[]; readonly people: readonly LookedAfter[] }

/** Somebody who lets their devices be woken in the patient's emergency, and whether the patient wants it. */
export type WouldCome = { readonly did: string; readonly name: string; readonly chosen: boolean }

export type NewWake = {
  readonly what: WokenFor
  readonly publicKey: Uint8Array
  readonly subscription: Subscription
  readonly name: string
}

/** Where the page leaves the language for the guard, which sees no other choice of the person. */
export const WAKE_CACHE = 'keepwell-wake'
export const WAKE_LOCALE = '/.wake/locale'

/** A press on a notice asks the page that is open to show a screen. */
export type Show = { readonly kind: 'show'; readonly href: string }
export const SHOWABLE = ['#/emergency', '#/'] as const
