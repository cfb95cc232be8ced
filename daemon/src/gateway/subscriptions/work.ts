import { isoTime } from '@keepwell/sdk/base/time'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { type Happening, type Notice, notification } from '@keepwell/sdk/health/fhir/subscription/notification'
import type { Content } from '@keepwell/sdk/health/fhir/subscription/subscription'
import { CONSENT_ENDED } from '@keepwell/sdk/health/fhir/subscription/topics'
import { toXml } from '@keepwell/sdk/health/fhir/xml'
import type { Gateway } from '#gateway/core/types'
import { mayTouch } from '#gateway/fhir/access'
import { asSubscription } from './find.ts'
import type { Kept } from './kept.ts'
import type { Happened, Subscribed } from './types.ts'

export type Sending = 'sent' | 'failed' | 'nobody'

export type RunnerPorts = {
  readonly gateway: Gateway
  readonly kept: Kept
  /** Brings a notification to the subscriber, in the form it asked for. */
  readonly send: (sub: Subscribed, text: string) => Promise<Sending>
  /** Whether the owner's right still stands. */
  readonly stands: (sub: Subscribed) => Promise<boolean>
  readonly uuid: () => string
  readonly ended: (sub: Subscribed) => void
  readonly failed: (code: string) => void
}

/** One subscription in memory. `opened` holds what was opened a moment ago and goes out next, so that it is not opened twice. */
export type Work = {
  readonly ports: RunnerPorts
  sub: Subscribed
  /** Unix seconds of the last word. */
  toldAt: number
  readonly opened: Map<string, JsonObject>
}

export async function save(work: Work, change: Partial<Subscribed>): Promise<void> {
  work.sub = { ...work.sub, ...change, changed: work.ports.gateway.clock() }
  await work.ports.kept.put(work.sub)
}

type Said = Pick<Notice, 'type'> & Partial<Pick<Notice, 'happened' | 'content'>>

export function bundleOf({ ports: { gateway, uuid }, sub }: Work, said: Said): JsonObject {
  const { topic, channel } = sub.plan
  const whole = {
    base: `${gateway.url}/fhir`,
    subscription: sub.id,
    topic,
    status: sub.status,
    events: sub.events,
    content: channel.content,
  }
  return notification({ ...whole, ...said, ...(sub.error ? { error: sub.error } : {}) }, { uuid: uuid(), time: isoTime(gateway.clock()) })
}

/** A notification in the format that was asked for. */
export async function worded(work: Work, said: Said): Promise<string> {
  const bundle = bundleOf(work, said)
  return work.sub.plan.channel.format === 'xml' ? toXml(bundle) : JSON.stringify(bundle)
}

export async function tell(work: Work, said: Said): Promise<Sending> {
  work.toldAt = work.ports.gateway.clock()
  return work.ports.send(work.sub, await worded(work, said))
}

/** Off for good, with the standard's own word to the subscriber: a notification whose status is off, and why. */
export async function end(work: Work, error: NonNullable<Subscribed['error']>): Promise<void> {
  if (work.sub.status === 'off') return
  work.opened.clear()
  await save(work, { status: 'off', error, retryAt: null })
  await tell(work, { type: 'heartbeat' })
  work.ports.ended(work.sub)
}

/** Seconds between tries; after the last the subscription is in error until its owner sets it right. */
const RETRIES = [1, 5, 30, 120, 600]
export const NO_RESPONSE = { code: 'no-response', text: 'The endpoint did not take the notifications.' }
const NO_RIGHT = { code: 'other', text: 'The right of who subscribed has ended.' }

export async function fail(work: Work): Promise<void> {
  const failures = work.sub.failures + 1
  const wait = RETRIES[failures - 1]
  const now = work.ports.gateway.clock()
  if (wait === undefined) await save(work, { status: 'error', error: NO_RESPONSE, failures, retryAt: null, errorSince: now })
  else await save(work, { failures, retryAt: now + wait })
}

export const live = ({ ports }: Pick<Work, 'ports'>, patient: string): boolean => Boolean(ports.gateway.patient(patient)?.read)

/** Resources for events, opened with a receipt unless they just were; none of a record that may not be read any more. */
async function resourcesOf(work: Work, happened: readonly Happened[]): Promise<Map<string, JsonObject>> {
  const { gateway } = work.ports
  const { owner } = work.sub
  const out = new Map<string, JsonObject>()
  for (const [patient, theirs] of Map.groupBy(happened, h => h.patient)) {
    if (!live(work, patient)) continue
    for (const h of theirs) if (work.opened.has(h.record)) out.set(h.record, work.opened.get(h.record)!)
    const missing = theirs.filter(h => h.record && !out.has(h.record))
    if (missing.length === 0) continue
    const { store } = await gateway.opened(asSubscription(owner), patient, missing)
    for (const h of missing) {
      const version = store.read(h.type, h.id)
      if (version?.resource && mayTouch(owner, store, version, 'r', gateway.clock() * 1000)) out.set(h.record, version.resource)
    }
  }
  return out
}

/** An event of somebody whose consent has ended keeps its number, and nothing else. */
export async function happenings(work: Work, happened: readonly Happened[], content: Content): Promise<Happening[]> {
  const resources = content === 'full-resource' ? await resourcesOf(work, happened) : null
  return happened.map(h => ({
    number: h.number,
    time: isoTime(h.at),
    focus: live(work, h.patient) || work.sub.plan.topic === CONSENT_ENDED ? `${h.type}/${h.id}` : null,
    method: h.method,
    ...(resources ? { resource: resources.get(h.record) ?? null } : {}),
  }))
}

/** Kept in memory at most. */
const MOST_OPENED = 500

/** Sends what was not sent yet, in order, until something does not get through. */
export async function deliver(work: Work): Promise<void> {
  const { gateway, kept, stands } = work.ports
  const due = (): boolean =>
    work.sub.status === 'active' && work.sub.delivered < work.sub.events && (work.sub.retryAt ?? 0) <= gateway.clock()
  while (due()) {
    if (!(await stands(work.sub))) return end(work, NO_RIGHT)
    const { id, events, delivered, plan } = work.sub
    const to = Math.min(events, delivered + plan.channel.maxCount)
    const batch = await kept.happened(id, delivered + 1, to)
    const happened = await happenings(work, batch, plan.channel.content)
    const sending = await tell(work, { type: 'event-notification', happened })
    if (sending === 'nobody') break
    if (sending === 'failed') return fail(work)
    for (const h of batch) work.opened.delete(h.record)
    await save(work, { delivered: to, failures: 0, retryAt: null })
  }
  if (work.opened.size > MOST_OPENED) work.opened.clear()
}
