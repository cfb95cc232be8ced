import { requestAccess } from '@keepwell/sdk/actions/access/request'
import { sendNotice } from '@keepwell/sdk/actions/access/send-notice'
import type { Ctx } from '@keepwell/sdk/actions/context'
import type { Describer } from '@keepwell/sdk/actions/records/import-describe'
import { equal, fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Did } from '@keepwell/sdk/identity/did'
import type { LogLine } from '#http/settings'
import { filedRecords, filedSince } from './filed.ts'
import type { Hot } from './hot.ts'
import { type Hub, hub } from './hub.ts'
import { makeIds } from './ids.ts'
import { fixed, type Kept } from './kept.ts'
import type { SessionParts } from './memory.ts'
import { type Book, consentBook, consentLives, isPatient, livingGrants } from './patients.ts'
import { moved, NO_PERSONS, type Persons } from './persons.ts'
import { NO_POLICIES, type Policies } from './policies.ts'
import { POOL_LIMITS, type Pool, type PoolLimits, sessionKey, sessionPool } from './pool.ts'
import { readingHere } from './reading.ts'
import { NO_RULES, type RoleRules } from './role-rules.ts'
import type { Scanning } from './scanning.ts'
import { type HeldSession, openPatientSession } from './session.ts'
import { NO_TRAIL, type Trail } from './trail.ts'
import type { Actor, Gateway, GatewayPatient, GivingVault, Submission, Submitted } from './types.ts'
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
  /** Who looks for malware in what comes and goes. */
  readonly scanning?: Scanning
  /** What the organisation says of its roles. */
  readonly roles?: Kept<RoleRules>
  /** Which vaults it found to be one person's. */
  readonly persons?: Kept<Persons>
  /** Describes files that are submitted. */
  readonly describe?: Describer
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

export type OpenGateway = Gateway & {
  /** Ends all sessions and stops listening. What a relay was asked for is noted as well, if it answers in `GRACE`. */
  close(): Promise<void>
}

const REVOKED = new KeepwellError('GRANT_ENDED', 'The patient has ended their consent.')
const LIMITED = new KeepwellError('GRANT_ENDED', 'The patient has frozen the record, or objects to that purpose.')
const OTHER_RULES = new KeepwellError('DENIED', 'Other policies or rules of roles came into force; ask again.')
const OTHER_PERSON = new KeepwellError('DENIED', 'Which records are this person’s has changed; ask again.')
/** Why a session ends whose patient changed something that it holds, and what the trail calls it. */
const CHANGED = {
  amended: [new KeepwellError('DENIED', 'Something that was open has been corrected; ask again.'), 'update'],
  erased: [new KeepwellError('DENIED', 'Something that was open has been erased; ask again.'), 'erase'],
} as const
const STOPPED = new KeepwellError('STOPPING', 'The gateway is stopping.')
/** Milliseconds. */
const GRACE = 10_000

/** An organisation's side of Keepwell over its open home: who gave it what, sessions on that, and writing. */
export function openGateway({ describe, ...options }: GatewayOptions): OpenGateway {
  const { ctx, url, log, pause, trail = NO_TRAIL, policies = NO_POLICIES, roles = fixed(NO_RULES), persons = fixed(NO_PERSONS) } = options
  const { ring } = ctx.session.state
  const ids = makeIds(ring.catalog, ring.did, ctx.random)
  const limits = { ...POOL_LIMITS, ...options.limits }
  const pool = sessionPool(ctx.clock, limits)
  const told = hub()
  const stop = new AbortController()
  const asked = underWay()
  const book = consentBook(ctx, ids, persons.current)

  const may = readingHere({ ctx, ids, url, large: limits.large, trail, policies, roles, keep: asked.keep, scanning: options.scanning })
  function patientFor(actor: Actor, id: string): GatewayPatient {
    const found = book.patient(id)
    if (!found || (actor.patient !== null && !isPatient(found, actor.patient)))
      throw may.refused(actor, id, 'There is no live consent of such a patient.')
    return found
  }

  const near = nearAs(options)
  function changed(): void {
    near.keepLiving()
    told.ended([...endGone(pool, c => !ctx.session.state.ring.received.some(g => equal(g.commitment, c))), ...book.ended()])
  }

  const watching = watchGrants({
    ctx,
    inUse: () => [...pool.open().flatMap(s => s.grants), ...book.reading(told.watched())],
    changed,
    limited(did, purposes) {
      endLimited(pool, did, purposes)
      if (!purposes) told.ended(book.idsOf(did))
    },
    changedBy(did, records, how) {
      for (const s of changedBy({ pool, trail, at: ctx.clock(), book, did, how }, records)) near.forget(s.grants, records)
    },
    revoked(commitment) {
      near.drop(commitment)
      told.ended([...endGone(pool, c => equal(c, commitment)), ...book.givers(commitment).flatMap(book.idsOf)])
    },
    failed: code => log({ level: 'error', task: 'watch', code }),
    signal: stop.signal,
    pause,
  })
  const judgeAnew = (): void => {
    for (const session of pool.open()) if (!may.asDecided(session)) session.end(OTHER_RULES)
  }
  const unlisten = [whenEither(policies, roles)(judgeAnew), onMoved(persons, apart => told.ended(endMoved(pool, apart)))]
  const tick = (): void => {
    pool.sweep()
    if (book.ranOut()) changed()
  }
  const sweeping = sweep(tick, pause, stop.signal)

  const open = async (actor: Actor, patient: GatewayPatient): Promise<HeldSession> =>
    openPatientSession({ ...may.parts(actor, patient), ...near.hot, ...hearing(pool, told, patient.id) })

  return {
    did: ring.did,
    name: ring.name,
    clock: ctx.clock,
    random: ctx.random,
    url,
    log,
    ids: { ...ids, patientOf: id => whoseNow(book, id, ids.patientOf(id)) },
    patients: book.patients,
    patientsFor(who, purposes) {
      const met = may.met(who, purposes)
      return book.patients().filter(p => p.vaults.some(v => met.has(v.did)))
    },
    patient: book.patient,
    holds: grants => grants.every(g => consentLives(ctx, g)),
    async session(actor, patientId) {
      const patient = patientFor(actor, patientId)
      pool.sweep()
      return pool.get(sessionKey(actor, patient.id), () => open(actor, patient))
    },
    filed: async (actor, patientId, after) => asked.keep(filedSince(may.parts(actor, patientFor(actor, patientId)), after)),
    opened: async (actor, patientId, records) => asked.keep(filedRecords(may.parts(actor, patientFor(actor, patientId)), records)),
    openFor(actor) {
      const mine = sessionKey(actor, '')
      return pool.open().filter(s => sessionKey(s.actor, '') === mine && (actor.patient === null || isPatient(s.patient, actor.patient)))
    },
    async submit(actor, patientId, what) {
      const patient = patientFor(actor, patientId)
      const here = pool.open().filter(s => s.patient.id === patient.id)
      const vault = vaultFor(patient, here, what)
      if (!vault?.write) throw may.refused(actor, patient.id, 'The patient gave no live consent to write.')
      const writing = { ctx, ids, name: ring.name, actor, patient, vault, trail, describe, ...may.writing(actor, patient) }
      const { verdicts, records } = await asked.keep(looked(options.scanning, here, { writing, what }))
      told.filed(patient.id, records)
      return verdicts
    },
    async askErasure(actor, session, recordId) {
      ensure(session.authorOf(recordId) === ring.did, 'DENIED', 'Only what this organisation wrote can be asked back.')
      const text = `${ring.name} (${actor.person}) asks you to erase record ${recordId.slice(0, 8)}. It stays until you do.`
      await sendNotice(ctx, { to: session.vaultOf(recordId) ?? session.patient.vaults[0]!.did, text })
    },
    ask: request => requestAccess(ctx, request),
    ...{ onEnded: told.onEnded, onFiled: told.onFiled, watch: told.watch, onRules: whenEither(policies, roles) },
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

/** What was named in one vault of a person is found with the person. */
const whoseNow = (book: Book, id: string, vault: string | null): string | null =>
  vault !== null && vault !== id ? (book.patient(vault)?.id ?? vault) : vault

const gaveBy = ({ vaults }: GatewayPatient, did: Did): boolean => vaults.some(v => v.did === did)

/**
 * Where a person has several vaults: a newer version lies where the older one does, what is new in the first that may be written into. Throws
 * BAD_INPUT for what would change records of two, for it stands together or not at all.
 */
function vaultFor({ vaults }: GatewayPatient, sessions: readonly HeldSession[], what: Submission): GivingVault | undefined {
  const prior = 'resources' in what ? what.resources.flatMap(r => r.prior ?? []) : []
  const where = new Set(prior.map(record => sessions.map(s => s.vaultOf(record)).find(did => did !== null)))
  ensure(where.size < 2, 'BAD_INPUT', 'These records lie in two records of this person: change them one after the other.')
  const [did] = where
  return did ? vaults.find(v => v.did === did) : vaults.find(v => v.write)
}

type Changing = { onChange(listener: () => void): () => void }
const whenEither = (a: Changing, b: Changing) => (listener: () => void) => {
  const stops = [a.onChange(listener), b.onChange(listener)]
  return () => {
    for (const stopListening of stops) stopListening()
  }
}

type ChangedBy = {
  readonly pool: Pool
  readonly trail: Trail
  readonly at: number
  readonly book: Book
  readonly did: Did
  readonly how: keyof typeof CHANGED
}

/** Notes that a patient told of newer versions of these records, or of their erasure, and ends what holds them: nobody's work here, but theirs. */
function changedBy({ pool, trail, at, book, did, how }: ChangedBy, ids: readonly string[]): readonly HeldSession[] {
  const vault = book
    .patients()
    .flatMap(p => p.vaults)
    .find(v => v.did === did)
  if (!vault) return []
  const [reason, action] = CHANGED[how]
  const records = ids.map(id => ({ id }))
  const by = { person: 'The patient', role: 'patient', purpose: 'PATRQT', action } as const
  trail.note({ at, ...by, patient: vault.id, records })
  const open = pool.open().filter(s => gaveBy(s.patient, did) && ids.some(id => s.records.has(id)))
  for (const session of open) session.end(reason)
  return open
}

/** Tells which vaults are in other company than they were. */
function onMoved(persons: Kept<Persons>, listener: (vaults: readonly string[]) => void): () => void {
  let before = persons.current()
  return persons.onChange(() => {
    const affected = moved(before, persons.current())
    before = persons.current()
    listener(affected)
  })
}

/** Ends what shows these vaults in their old company; gives the ids under which they were known. */
function endMoved(pool: Pool, vaults: readonly string[]): readonly string[] {
  for (const session of pool.open()) if (vaults.some(id => isPatient(session.patient, id))) session.end(OTHER_PERSON)
  return vaults
}

/** Ends what is open of a record that its owner froze, or for purposes that they object to. */
function endLimited(pool: Pool, did: Did, purposes: readonly string[] | null): void {
  const open = pool.open().filter(s => gaveBy(s.patient, did) && (purposes?.includes(s.actor.purpose) ?? true))
  for (const session of open) session.end(LIMITED)
}

/** Ends what is open under consents that are no more; gives whose it was. */
function endGone(pool: Pool, gone: (commitment: Uint8Array) => boolean): string[] {
  const affected = pool.open().filter(s => s.grants.some(gone))
  for (const session of affected) session.end(REVOKED)
  return affected.map(s => s.patient.id)
}

/** What is kept on disk follows the consents; a folder that cannot be removed is told, for somebody has to. */
function nearAs({ ctx, hot, log }: Pick<GatewayOptions, 'ctx' | 'hot' | 'log'>) {
  const kept = (done: Promise<void> | undefined): void =>
    void done?.catch(() => log({ level: 'error', task: 'hot', code: 'STORAGE_FAILED' }))
  const keepLiving = (): void => kept(hot?.keep(livingGrants(ctx)))
  keepLiving()
  return {
    hot: hot ? { hot } : {},
    keepLiving,
    drop: (commitment: Uint8Array): void => kept(hot?.drop(commitment)),
    forget(grants: readonly Uint8Array[], records: readonly string[]): void {
      for (const grant of grants) kept(hot?.of(grant).drop(records.map(fromHex)))
    },
  }
}

type Filed = { readonly verdicts: readonly Submitted[]; readonly records: readonly string[] }

/** Writes what may be written: all of it where nobody looks for malware. */
async function looked(
  scanning: Scanning | undefined,
  sessions: readonly HeldSession[],
  { writing: w, what }: { readonly writing: Writing; readonly what: Submission },
): Promise<Filed> {
  if (!scanning) return submitted(sessions, w, what)
  const scanned = await scanning.incoming(w.actor, w.patient.id, what)
  const { verdicts, records } = await submitted(sessions, w, scanned.what)
  return { verdicts: [...verdicts, ...scanned.refused], records }
}

/**
 * Heard of what a session lists. What one was shown the others look for before they answer again: who followed a reference out of an export
 * would be told that there is no such thing.
 */
const hearing = (pool: Pool, told: Hub, patient: string): Pick<SessionParts, 'filed' | 'listed'> => ({
  filed: records => told.filed(patient, records),
  listed(newest) {
    for (const s of pool.open()) if ([...newest].some(([vault, last]) => (s.newest.get(vault) ?? last) < last)) s.listedAt = 0
  },
})

/** Writes, and lets the open sessions of that patient know. */
async function submitted(sessions: readonly HeldSession[], w: Writing, what: Submission): Promise<Filed> {
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
    if (sessionKey(s.actor, w.patient.id) === key) s.add(written, w.vault.did)
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
