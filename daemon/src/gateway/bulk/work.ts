import { isKeepwellError } from '@keepwell/sdk/base/error'
import { isPatient } from '#gateway/core/patients'
import type { Actor, Gateway, GatewayPatient, PatientSession } from '#gateway/core/types'
import { outcome } from '#gateway/fhir/outcome'
import { allThere } from '#gateway/fhir/whose'
import { compared, deletions } from './gone.ts'
import { type Plan, takes } from './kick-off.ts'
import { openedFor, taken } from './lines.ts'
import type { Taken } from './memory.ts'
import type { Sheaf } from './sheaf.ts'

/** Why somebody is not in an export: their consent is for another purpose, or it ended. */
export type LeftOut = 'purpose' | 'ended'

/** Lines of one patient, and the consents they were opened under. */
export type Held = { readonly sheaf: Sheaf; grants: readonly Uint8Array[] }

export type Work = {
  readonly id: string
  readonly gateway: Gateway
  readonly actor: Actor
  readonly plan: Plan
  readonly signal: AbortSignal
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Of what earlier exports of the same caller took. */
  readonly remembered: { read(patient: string): Promise<Taken>; write(patient: string, taken: Taken): Promise<void> }
  /** An empty sheaf that is dropped when the patient's consent ends. */
  hold(patient: string): Held
  drop(patient: string): Promise<void>
  /** Somebody whom the export is about and who is not in it. */
  leftOut(patient: string, why: LeftOut): void
  progress(done: number, of: number): void
}

/** Problems stand among the lines under this type, which no record has. */
export const PROBLEM = 'OperationOutcome'
/** And before a type's name, what is gone of it. */
export const GONE = 'deleted-'

const CONSENT_ENDED = new Set(['NO_GRANT', 'GRANT_ENDED', 'DENIED', 'NOT_FOUND'])
const BUSY_PAUSE = 2000
const BUSY_TRIES = 30

/** Whom an export is about: everybody who lets the actor read, or those of them that were named. */
export const patientsOf = (gateway: Gateway, actor: Actor, { patients }: Pick<Plan, 'patients'>): GatewayPatient[] =>
  gateway
    .patients()
    .filter(
      p =>
        p.read && (actor.patient === null || isPatient(p, actor.patient)) && (patients === null || p.vaults.some(v => patients.has(v.id))),
    )

/** Opens one record after the other and keeps the lines of each. Who is left out is counted. */
export async function carryOut(work: Work): Promise<void> {
  const { gateway, actor, plan, signal } = work
  const patients = patientsOf(gateway, actor, plan)
  const living = new Set(patients.flatMap(p => p.vaults.map(v => v.id)))
  for (const id of plan.patients ?? []) if (!living.has(id)) work.leftOut(id, 'ended')
  for (const [done, patient] of patients.entries()) {
    signal.throwIfAborted()
    work.progress(done, patients.length)
    await onePatient(work, patient.id)
  }
  work.progress(patients.length, patients.length)
}

/** The receipt says that this was an export, and which: a session of its own, closed when its lines are out. */
const exporter = ({ actor, id }: Work): Actor => ({
  ...actor,
  as: actor.as ?? actor.role,
  exporting: true,
  role: `${actor.role.slice(0, 60)}, export ${id.slice(0, 6)}`,
})

async function onePatient(work: Work, patient: string): Promise<void> {
  const held = work.hold(patient)
  try {
    const session = await opened(work, patient)
    held.grants = session.grants
    const close = () => session.close()
    work.signal.addEventListener('abort', close)
    try {
      await keep(work, session, held.sheaf)
    } finally {
      work.signal.removeEventListener('abort', close)
      session.close()
    }
  } catch (e) {
    if (work.signal.aborted) throw work.signal.reason
    if (!isKeepwellError(e) || e.code.startsWith('STORAGE_')) throw e
    await work.drop(patient)
    if (CONSENT_ENDED.has(e.code)) work.leftOut(patient, e.code === 'NO_GRANT' && work.gateway.patient(patient)?.read ? 'purpose' : 'ended')
    else await work.hold(patient).sheaf.add(PROBLEM, [problem(`The record of Patient/${patient}`, e.code)])
  }
}

/** Waits while too much is open. */
async function opened(work: Work, patient: string): Promise<PatientSession> {
  for (let tries = 1; ; tries++) {
    try {
      return await work.gateway.session(exporter(work), patient)
    } catch (e) {
      if (!isKeepwellError(e, 'RATE_LIMITED') || tries === BUSY_TRIES) throw e
      await work.pause(BUSY_PAUSE, work.signal)
    }
  }
}

async function keep(work: Work, session: PatientSession, sheaf: Sheaf): Promise<void> {
  const { gateway, actor, plan, signal } = work
  await session.ready(openedFor(plan))
  allThere(session)
  const now = gateway.clock() * 1000
  const lines = await taken(session.store, { plan, patient: session.patient.id, base: `${gateway.url}/fhir`, now, visible: takes(actor) })
  for (const [type, resources] of lines) {
    signal.throwIfAborted()
    session.ended.throwIfAborted()
    await sheaf.add(type, resources)
  }
  await sheaf.add(
    PROBLEM,
    session.problems.map(p => problem(`A record of Patient/${session.patient.id}`, p.code)),
  )
  // What could not be opened is not gone.
  if (session.problems.length === 0) await remember(work, session, sheaf, lines)
}

/** Tells what is gone of what earlier exports took, and notes what this one takes. */
async function remember({ gateway, actor, plan, remembered }: Work, session: PatientSession, sheaf: Sheaf, lines: Lines): Promise<void> {
  const { id } = session.patient
  const before = await remembered.read(id)
  const after = compared(before, { store: session.store, opened: openedFor(plan), now: gateway.clock() })
  for (const [type, resources] of lines) for (const r of resources) after.set(`${type}/${String(r.id)}`, 0)
  session.ended.throwIfAborted()
  await remembered.write(id, after)
  if (plan.since === null) return
  const wanted = (type: string): boolean => (plan.types?.includes(type) ?? true) && takes(actor)(type) !== false
  for (const [type, bundles] of deletions(after, plan.since, wanted)) await sheaf.add(`${GONE}${type}`, bundles)
}

type Lines = Awaited<ReturnType<typeof taken>>

const problem = (what: string, code: string) =>
  outcome([{ severity: 'error', code: 'processing', text: `${what} could not be opened, and is missing: ${code}.` }])
