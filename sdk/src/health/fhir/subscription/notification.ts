import type { JsonObject } from '#health/fhir/read'
import { BACKPORT, type Content } from './subscription.ts'

/** Something that happened, as a subscription counts it from 1. `time` is an instant. */
export type Happening = {
  readonly number: number
  readonly time: string
  /** `Observation/…`; null when even that may not be told any more. */
  readonly focus: string | null
  readonly method: 'POST' | 'PUT'
  /** For `full-resource`; null when it is there no more, or may be read no more. */
  readonly resource?: JsonObject | null
}

export type Notice = {
  /** Base URL of the FHIR server, without a trailing slash. */
  readonly base: string
  readonly subscription: string
  readonly topic: string
  readonly status: 'requested' | 'active' | 'error' | 'off'
  readonly type: 'handshake' | 'heartbeat' | 'event-notification' | 'query-status' | 'query-event'
  /** All events that there ever were, sent or not. */
  readonly events: number
  readonly content: Content
  readonly happened?: readonly Happening[]
  readonly error?: { readonly code: string; readonly text: string }
}

const ERRORS = 'http://terminology.hl7.org/CodeSystem/subscription-error'

/** SubscriptionStatus as Parameters (backport-subscription-status-r4). `empty` names neither topic nor focus. */
export function statusParameters(notice: Notice): JsonObject {
  const { base, subscription, topic, status, type, events, content, happened = [], error } = notice
  return {
    resourceType: 'Parameters',
    meta: { profile: [`${BACKPORT}/StructureDefinition/backport-subscription-status-r4`] },
    parameter: [
      { name: 'subscription', valueReference: { reference: `${base}/Subscription/${subscription}` } },
      ...(content === 'empty' ? [] : [{ name: 'topic', valueCanonical: topic }]),
      { name: 'status', valueCode: status },
      { name: 'type', valueCode: type },
      { name: 'events-since-subscription-start', valueString: String(events) },
      ...happened.map(h => ({
        name: 'notification-event',
        part: [
          { name: 'event-number', valueString: String(h.number) },
          { name: 'timestamp', valueInstant: h.time },
          ...(content === 'empty' || h.focus === null ? [] : [{ name: 'focus', valueReference: { reference: `${base}/${h.focus}` } }]),
        ],
      })),
      ...(error ? [{ name: 'error', valueCodeableConcept: { coding: [{ system: ERRORS, code: error.code }], text: error.text } }] : []),
    ],
  }
}

/**
 * A notification (backport-subscription-notification-r4): a history Bundle, the status first. `uuid` is that of the status entry, `time` the
 * instant at which it is made.
 */
export function notification(notice: Notice, { uuid, time }: { readonly uuid: string; readonly time: string }): JsonObject {
  const { base, subscription, content, happened = [] } = notice
  const once = new Map(
    happened.flatMap(h => (content === 'full-resource' && h.resource && h.focus !== null ? [[h.focus, h] as const] : [])),
  )
  return {
    resourceType: 'Bundle',
    meta: { profile: [`${BACKPORT}/StructureDefinition/backport-subscription-notification-r4`] },
    type: 'history',
    timestamp: time,
    entry: [
      {
        fullUrl: `urn:uuid:${uuid}`,
        resource: statusParameters(notice),
        request: { method: 'GET', url: `Subscription/${subscription}/$status` },
        response: { status: '200' },
      },
      ...[...once].map(([focus, { method, resource }]) => ({
        fullUrl: `${base}/${focus}`,
        resource,
        request: { method, url: method === 'POST' ? focus.split('/')[0]! : focus },
        response: { status: method === 'POST' ? '201' : '200' },
      })),
    ],
  }
}
