import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import type { Happening, Notice } from '@keepwell/sdk/health/fhir/subscription/notification'
import type { Plan } from '@keepwell/sdk/health/fhir/subscription/subscription'
import type { Actor, FiledRecord, Marks } from '#gateway/core/types'

/** A subscription with all that a restart needs. Kept sealed; of patients it holds logical ids and write numbers, never content. */
export type Subscribed = {
  readonly id: string
  /** Whose it is: it sees what they may see, and every look stands on the patient's log under their name. */
  readonly owner: Actor
  /** As its owner wrote it, without what the server says of it. */
  readonly resource: JsonObject
  readonly plan: Plan
  /** Logical ids of the patients it is about; null: all who gave a consent for the owner's purpose. */
  readonly patients: readonly string[] | null
  readonly status: Notice['status']
  readonly error: { readonly code: string; readonly text: string } | null
  readonly version: number
  /** Unix seconds. */
  readonly changed: number
  /** Events so far, and how many of them were sent. */
  readonly events: number
  readonly delivered: number
  /** Where the last look at each patient's record ended. */
  readonly marks: Readonly<Record<string, Marks>>
  /** Sendings that failed one after the other; Unix seconds of the next, and since when it is in error. */
  readonly failures: number
  readonly retryAt: number | null
  readonly errorSince: number | null
}

/** One event as it is kept. `at` is Unix seconds. */
export type Happened = FiledRecord & {
  readonly number: number
  readonly at: number
  readonly patient: string
  readonly method: Happening['method']
}

/** Whether somebody may know of a subscription: the same person with the same app, or the same system for the same person. */
export const owns = (actor: Actor, { owner }: Pick<Subscribed, 'owner'>): boolean =>
  actor.person === owner.person && actor.client === owner.client && (actor.patient === null || actor.patient === owner.patient)
