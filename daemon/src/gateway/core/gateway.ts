import { requestAccess } from '@keepwell/sdk/actions/access/request'
import { sendNotice } from '@keepwell/sdk/actions/access/send-notice'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { LogLine } from '#http/settings'
import { filedRecords, filedSince } from './filed.ts'
import type { Hot } from './hot.ts'
import { hub } from './hub.ts'
import { makeIds } from './ids.ts'
import { consentBook, consentLives, livingGrants } from './patients.ts'
import { NO_POLICIES, type Policies } from './policies.ts'
import { POOL_LIMITS, type Pool, type PoolLimits, sessionKey, sessionPool } from './pool.ts'
import { readingHere } from './reading.ts'
import { type KeptRules, NO_RULES } from './role-rules.ts'
import { type HeldSession, openPatientSession } from './session.ts'
import { NO_TRAIL, type Trail } from './trail.ts'
import type { Actor, Gateway, GatewayPatient, Submission, Submitted } from './types.ts'
import { underWay } from './under-way.ts'
import { watchGrants } from './watch.ts'
import { MAX_TOGETHER, type Writing, writeItems, writeResources } from './write.ts'

export type GatewayOptions = {
  readonly ctx: Ctx
  /** As its clients reach it, without a trailing slash. */
  readonly url: string
  readonly log: (line: LogLine) => void
  readonly limits?: Partial<PoolLimits>
  /** Where what is hot is kept between sessions; closed by whoever opened it. */
  readonly hot?: Hot
  /** Where openings, writes and refusals are noted. */
  readonly trail?: Trail
  /** What governance asks for on top of consents. */
  readonly policies?: Policies
  /** What the organisation says of its roles. */
  readonly roles?: KeptRules
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

export type OpenGateway = Gateway & {
  /** Ends all sessions and stops listening. What a relay was asked for is noted as well, if it answers in `GRACE`. */
  close(): Promise<void>
}

const REVOKED = new KeepwellError('GRANT_ENDED', 'The patient has ended their consent.')
const LIMITED = new KeepwellError('GRANT_ENDED', 'The patient has frozen the record, or objects to that purpose.')
const OTHER_RULES = new KeepwellError('DENIED', 'Other policies or rules of roles came into force; ask again.')
const AMENDED = new KeepwellError('DENIED', 'Something that was open has been corrected; ask again.')
const STOPPED = new KeepwellError('STOPPING', 'The gateway is stopping.')
/** Milliseconds. */
const GRACE = 10_000

/** An organisation's side of Keepwell over its open home: who gave it what, sessions on that, and writing. */
export function openGateway(options: GatewayOptions): OpenGateway {
  const { ctx, url, log, pause, trail = NO_TRAIL, policies = NO_POLICIES, roles = NO_RULES } = options
  const { ring } = ctx.session.state
  const ids = makeIds(ring.catalog, ring.did, ctx.random)
  const limits = { ...POOL_LIMITS, ...options.limits }
  const pool = sessionPool(ctx.clock, limits)
  const told = hub()
  const stop = new AbortController()
  const asked = underWay()
  const book = consentBook(ctx, ids)

  const may = readingHere({ ctx, ids, url, large: limits.large, trail, policies, roles, keep: asked.keep })
  function patientFor(actor: Actor, id: string): GatewayPatient {
    const found = actor.patient === null || actor.patient === id ? book.patients().find(p => p.id === id) : undefined
    if (!found) throw may.refused(actor, id, 'There is no live consent of such a patient.')
    return found
  }

  const near = nearAs(options)
  function changed(): void {
    near.keepLiving()
    told.ended([...endGone(pool, c => !ctx.session.state.ring.received.some(g => equal(g.commitment, c))), ...book.ended()])
  }

  const watched = (ids = told.watched()): Uint8Array[] => book.patients().flatMap(p => (p.read && ids.has(p.id) ? [p.read.commitment] : []))
  const watching = watchGrants({
    ctx,
    inUse: () => [...pool.open().flatMap(s => s.grants), ...watched()],
    changed,
    limited(patient, purposes) {
      const open = pool.open().filter(s => s.patient.did === patient && (purposes?.includes(s.actor.purpose) ?? true))
      for (const session of open) session.end(LIMITED)
      if (!purposes) told.ended(book.patients().flatMap(p => (p.did === patient ? [p.id] : [])))
    },
    amended: (did, ids) => amended({ pool, trail, at: ctx.clock(), patients: book.patients().filter(p => p.did === did) }, ids),
    revoked(commitment) {
      near.drop(commitment)
      told.ended([...endGone(pool, c => equal(c, commitment)), ...book.givers(commitment)])
    },
    failed: code => log({ level: 'error', task: 'watch', code }),
    signal: stop.signal,
    pause,
  })
  const judgeAnew = (): void => {
    for (const session of pool.open()) if (!may.asDecided(session)) session.end(OTHER_RULES)
  }
  const unlisten = [policies.onChange(judgeAnew), roles.onChange(judgeAnew)]
  const tick = (): void => {
    pool.sweep()
    if (book.ranOut()) changed()
  }
  const sweeping = sweep(tick, pause, stop.signal)

  const open = async (actor: Actor, patient: GatewayPatient): Promise<HeldSession> =>
    openPatientSession({ ...may.parts(actor, patient), ...near.hot, filed: records => told.filed(patient.id, records) })

  return {
    did: ring.did,
    name: ring.name,
    clock: ctx.clock,
    random: ctx.random,
    url,
    log,
    ids,
    patients: book.patients,
    patientsFor(who, purposes) {
      const met = may.met(who, purposes)
      return book.patients().filter(p => met.has(p.did))
    },
    patient: id => book.patients().find(p => p.id === id) ?? null,
    holds: grants => grants.every(g => consentLives(ctx, g)),
    async session(actor, patientId) {
      const patient = patientFor(actor, patientId)
      pool.sweep()
      return pool.get(sessionKey(actor, patientId), () => open(actor, patient))
    },
    filed: async (actor, patientId, after) => asked.keep(filedSince(may.parts(actor, patientFor(actor, patientId)), after)),
    opened: async (actor, patientId, records) => asked.keep(filedRecords(may.parts(actor, patientFor(actor, patientId)), records)),
    openFor(actor) {
      const mine = sessionKey(actor, '')
      return pool.open().filter(s => sessionKey(s.actor, '') === mine && (actor.patient === null || actor.patient === s.patient.id))
    },
    async submit(actor, patientId, what) {
      const patient = patientFor(actor, patientId)
      if (!patient.write) throw may.refused(actor, patientId, 'The patient gave no live consent to write.')
      const here = pool.open().filter(s => s.patient.id === patientId)
      const writing = { ctx, ids, name: ring.name, actor, patient, trail, ...may.writing(actor, patient) }
      const { verdicts, records } = await asked.keep(submitted(here, writing, what))
      told.filed(patientId, records)
      return verdicts
    },
    async askErasure(actor, session, recordId) {
      ensure(session.authorOf(recordId) === ring.did, 'DENIED', 'Only what this organisation wrote can be asked back.')
      const text = `${ring.name} (${actor.person}) asks you to erase record ${recordId.slice(0, 8)}. It stays until you do.`
      await sendNotice(ctx, { to: session.patient.did, text })
    },
    ask: request => requestAccess(ctx, request),
    onEnded: told.onEnded,
    onFiled: told.onFiled,
    watch: told.watch,
    async close() {
      for (const stopListening of unlisten) stopListening()
      stop.abort()
      pool.endAll(STOPPED)
      const patience = new AbortController()
      const late = pause(GRACE, patience.signal).catch(() => {})
      await Promise.all([watching, sweeping, Promise.race([asked.settled(), late])])
      patience.abort()
    },
  }
}

type Amended = { readonly pool: Pool; readonly trail: Trail; readonly at: number; readonly patients: readonly GatewayPatient[] }

/** Notes that a patient told of newer versions of these records, and ends what holds an older one: nobody's work here, but theirs. */
function amended({ pool, trail, at, patients }: Amended, ids: readonly string[]): void {
  const records = ids.map(id => ({ id }))
  const by = { person: 'The patient', role: 'patient', purpose: 'PATRQT', action: 'update' } as const
  for (const { id } of patients) trail.note({ at, ...by, patient: id, records })
  const open = pool.open().filter(s => patients.some(p => p.id === s.patient.id) && ids.some(id => s.records.has(id)))
  for (const session of open) session.end(AMENDED)
}

/** Ends what is open under consents that are no more; gives whose it was. */
function endGone(pool: Pool, gone: (commitment: Uint8Array) => boolean): string[] {
  const affected = pool.open().filter(s => s.grants.some(gone))
  for (const session of affected) session.end(REVOKED)
  return affected.map(s => s.patient.id)
}

/** What is kept on disk follows the consents; a folder that cannot be removed is told, for somebody has to. */
function nearAs({ ctx, hot, log }: GatewayOptions) {
  const kept = (done: Promise<void> | undefined): void =>
    void done?.catch(() => log({ level: 'error', task: 'hot', code: 'STORAGE_FAILED' }))
  const keepLiving = (): void => kept(hot?.keep(livingGrants(ctx)))
  keepLiving()
  return { hot: hot ? { hot } : {}, keepLiving, drop: (commitment: Uint8Array): void => kept(hot?.drop(commitment)) }
}

/** Writes, and lets the open sessions of that patient know. */
async function submitted(
  sessions: readonly HeldSession[],
  w: Writing,
  what: Submission,
): Promise<{ readonly verdicts: readonly Submitted[]; readonly records: readonly string[] }> {
  if ('items' in what) {
    const verdicts = await writeItems(w, what.items)
    // What sessions do not hold yet they list before they answer again.
    for (const s of sessions) s.listedAt = 0
    return { verdicts, records: verdicts.flatMap(v => v.id ?? []) }
  }
  if (what.resources.length === 0) return { verdicts: [], records: [] }
  ensure(what.resources.length <= MAX_TOGETHER, 'TOO_LARGE', `At most ${MAX_TOGETHER} resources are written together.`)
  const { verdicts, written } = await writeResources(w, what.resources)
  const key = sessionKey(w.actor, w.patient.id)
  for (const s of sessions) {
    if (sessionKey(s.actor, w.patient.id) === key) s.add(written)
    else s.listedAt = 0
  }
  return { verdicts, records: written.map(x => toHex(x.meta.id)) }
}

const SWEEP = 1000

async function sweep(work: () => void, pause: GatewayOptions['pause'], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(SWEEP, signal).catch(() => {})
    if (!signal.aborted) work()
  }
}
