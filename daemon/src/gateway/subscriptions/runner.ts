import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import type { Content } from '@keepwell/sdk/health/fhir/subscription/subscription'
import { CONSENT_ENDED } from '@keepwell/sdk/health/fhir/subscription/topics'
import { look } from './find.ts'
import type { Guest } from './sockets.ts'
import type { Happened, Subscribed } from './types.ts'
import { bundleOf, deliver, end, fail, happenings, live, NO_RESPONSE, type RunnerPorts, save, tell, type Work, worded } from './work.ts'

/** One subscription at work: everything that happens to it happens one after the other. */
export type Runner = {
  readonly sub: Subscribed
  /** Takes a new state by its owner's hand and begins: marks first, then the handshake. */
  begin(changed: Subscribed): Promise<void>
  /** Something may be new in a patient's record. */
  look(patient: string, also?: readonly string[]): Promise<void>
  /** A subscriber came by websocket. */
  greet(guest: Guest): Promise<void>
  /** A patient's consent ended. */
  consentEnded(patient: string): Promise<void>
  /** What is due by time: its end, heartbeats, another try. */
  tick(): Promise<void>
  /** Missed events, for `$events`. */
  events(range: { readonly from: number; readonly to: number; readonly content: Content }): Promise<JsonObject>
  stop(): Promise<void>
}

/** Seconds in error after which it is off. */
const OFF_AFTER = 86_400
const ASKED_AT_ONCE = 500
const LOST = new Set(['DENIED', 'NO_GRANT', 'GRANT_ENDED', 'NOT_FOUND'])
const NO_CONSENT = { code: 'other', text: 'The patient’s consent has ended.' }
const OVER = { code: 'other', text: 'The subscription has reached its end.' }

const concerns = ({ status, patients }: Subscribed, patient: string): boolean =>
  status !== 'off' && (patients === null || patients.includes(patient))

async function seek(work: Work, patient: string, also: readonly string[]): Promise<void> {
  const { gateway, kept } = work.ports
  const { sub } = work
  if (!concerns(sub, patient) || !live(work, patient)) return
  try {
    const found = await look(gateway, sub, patient, also)
    const at = gateway.clock()
    const fresh = found.events.map(({ resource, ...e }, i): Happened => {
      if (sub.plan.channel.content === 'full-resource') work.opened.set(e.record, resource)
      return { ...e, number: sub.events + i + 1, at, patient }
    })
    // Events before the mark: after a crash between the two they are found again, and no other has their numbers.
    await kept.note(sub.id, fresh)
    const marks = { ...sub.marks, [patient]: found.marks }
    if (fresh.length || JSON.stringify(marks) !== JSON.stringify(sub.marks)) await save(work, { events: sub.events + fresh.length, marks })
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    if (LOST.has(e.code)) await lost(work, patient)
    else work.ports.failed(e.code)
  }
}

/** Without the consent of the one it is about a subscription is over; one about many loses one. */
async function lost(work: Work, patient: string): Promise<void> {
  const { sub, ports } = work
  if (!concerns(sub, patient)) return
  if (sub.plan.topic === CONSENT_ENDED) {
    const number = sub.events + 1
    const focus = { record: '', seq: 0, type: 'Patient', id: patient, method: 'PUT' as const }
    await ports.kept.note(sub.id, [{ ...focus, number, at: ports.gateway.clock(), patient }])
    await save(work, { events: number })
    await deliver(work)
  }
  const { [patient]: _gone, ...marks } = work.sub.marks
  if (sub.patients?.every(p => !live(work, p) || p === patient)) await end(work, NO_CONSENT)
  else await save(work, { marks })
}

async function begin(work: Work, changed: Subscribed): Promise<void> {
  work.sub = changed
  if (changed.status === 'off') {
    await tell(work, { type: 'heartbeat' })
    return work.ports.ended(changed)
  }
  for (const patient of changed.patients ?? []) if (!changed.marks[patient]) await seek(work, patient, [])
  // A websocket is shaken hands with when somebody is bound to it.
  const sending = changed.plan.channel.type === 'websocket' ? 'sent' : await tell(work, { type: 'handshake' })
  if (work.sub.status !== 'requested') return
  if (sending === 'sent') await save(work, { status: 'active' })
  else await save(work, { status: 'error', error: NO_RESPONSE, errorSince: work.ports.gateway.clock() })
  await deliver(work)
}

async function tick(work: Work): Promise<void> {
  const now = work.ports.gateway.clock()
  const { plan, status, errorSince, patients } = work.sub
  if (status === 'off') return
  if (plan.end !== null && plan.end <= now) return end(work, OVER)
  for (const patient of patients ?? []) if (!live(work, patient)) await lost(work, patient)
  if (status === 'error' && errorSince !== null && errorSince + OFF_AFTER <= now) return end(work, NO_RESPONSE)
  await deliver(work)
  const { heartbeat } = plan.channel
  if (heartbeat === null || work.toldAt + heartbeat > now || work.sub.status === 'off' || work.sub.status === 'requested') return
  if ((await tell(work, { type: 'heartbeat' })) === 'failed' && work.sub.status === 'active') await fail(work)
}

export function runner(ports: RunnerPorts, begun: Subscribed): Runner {
  const work: Work = { ports, sub: begun, toldAt: ports.gateway.clock(), opened: new Map() }
  let tail: Promise<unknown> = Promise.resolve()
  const inTurn = (what: () => Promise<void>): Promise<void> => {
    const run = tail.then(what).catch(e => ports.failed(isKeepwellError(e) ? e.code : 'DEFECT'))
    tail = run
    return run
  }
  return {
    get sub() {
      return work.sub
    },
    begin: changed => inTurn(() => begin(work, changed)),
    look: (patient, also = []) =>
      inTurn(async () => {
        await seek(work, patient, also)
        await deliver(work)
      }),
    greet: guest =>
      inTurn(async () => {
        if (work.sub.status === 'off' || !(await guest.send(await worded(work, { type: 'handshake' })))) return
        guest.admit()
        await deliver(work)
      }),
    // Of several consents one may have ended: a look tells whether the others will do.
    consentEnded: patient => inTurn(() => (live(work, patient) ? seek(work, patient, []) : lost(work, patient))),
    tick: () => inTurn(() => tick(work)),
    async events({ from, to, content }) {
      const found = await ports.kept.happened(work.sub.id, from, Math.min(to, from + ASKED_AT_ONCE - 1))
      return bundleOf(work, { type: 'query-event', content, happened: await happenings(work, found, content) })
    },
    async stop() {
      await tail
      work.opened.clear()
    },
  }
}
