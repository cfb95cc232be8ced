import { requestAccess } from '@keepwell/sdk/actions/access/request'
import { sendNotice } from '@keepwell/sdk/actions/access/send-notice'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { equal } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { LogLine } from '#http/settings'
import { makeIds } from './ids.ts'
import { consentBook, consentLives, readingGrants } from './patients.ts'
import { POOL_LIMITS, type PoolLimits, sessionKey, sessionPool } from './pool.ts'
import { type HeldSession, openPatientSession } from './session.ts'
import type { Actor, Gateway, GatewayPatient } from './types.ts'
import { watchGrants } from './watch.ts'
import { MAX_TOGETHER, type Writing, writeItems, writeResources } from './write.ts'

export type GatewayOptions = {
  readonly ctx: Ctx
  /** As its clients reach it, without a trailing slash. */
  readonly url: string
  readonly log: (line: LogLine) => void
  readonly limits?: Partial<PoolLimits>
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

export type OpenGateway = Gateway & {
  /** Ends all sessions and stops listening. */
  close(): Promise<void>
}

const REVOKED = new KeepwellError('GRANT_ENDED', 'The patient has ended their consent.')
const STOPPED = new KeepwellError('STOPPING', 'The gateway is stopping.')
/** A session lasts a working day at most, so that what was erased meanwhile is not shown for longer. */
const LONGEST = 8 * 3600

/** An organisation's side of Keepwell over its open home: who gave it what, sessions on that, and writing. */
export function openGateway(options: GatewayOptions): OpenGateway {
  const { ctx, url, log, pause } = options
  const { ring } = ctx.session.state
  const ids = makeIds(ring.catalog, ring.did, ctx.random)
  const pool = sessionPool(ctx.clock, { ...POOL_LIMITS, ...options.limits })
  const listeners = new Set<(patientId: string) => void>()
  const stop = new AbortController()
  const book = consentBook(ctx, ids)

  function patientFor(actor: Actor, id: string): GatewayPatient {
    const found = actor.patient === null || actor.patient === id ? book.patients().find(p => p.id === id) : undefined
    if (!found) throw new KeepwellError('NO_GRANT', 'There is no live consent of such a patient.')
    return found
  }

  const tell = (ids: Iterable<string>): void => {
    for (const id of new Set(ids)) for (const listener of listeners) listener(id)
  }
  /** Ends what is open under consents that are no more; gives whose it was. */
  function endGone(gone: (commitment: Uint8Array) => boolean): string[] {
    const affected = pool.open().filter(s => s.grants.some(gone))
    for (const session of affected) session.end(REVOKED)
    return affected.map(s => s.patient.id)
  }
  function changed(): void {
    const { received } = ctx.session.state.ring
    tell([...endGone(c => !received.some(g => equal(g.commitment, c))), ...book.ended()])
  }

  const watching = watchGrants({
    ctx,
    inUse: () => pool.open().flatMap(s => s.grants),
    changed,
    revoked: commitment => tell(endGone(c => equal(c, commitment))),
    failed: code => log({ level: 'error', task: 'watch', code }),
    signal: stop.signal,
    pause,
  })
  const tick = (): void => {
    pool.sweep()
    if (book.ranOut()) changed()
  }
  const sweeping = sweep(tick, pause, stop.signal)

  async function open(actor: Actor, patient: GatewayPatient): Promise<HeldSession> {
    const grants = readingGrants(ctx, patient.did, actor.purpose)
    ensure(grants.length, 'NO_GRANT', 'The patient gave no live consent to read for that purpose.')
    const expires = Math.min(ctx.clock() + LONGEST, ...grants.map(g => g.terms.expiry))
    const { person, role, purpose, parts } = actor
    return openPatientSession({
      ctx,
      ids,
      url,
      patient,
      actor: { person, role, purpose, ...(parts ? { parts } : {}) },
      grants: grants.map(g => g.grant.commitment),
      expires,
    })
  }

  const writing = (actor: Actor, patient: GatewayPatient): Writing => ({ ctx, ids, name: ring.name, actor, patient })

  return {
    did: ring.did,
    name: ring.name,
    clock: ctx.clock,
    random: ctx.random,
    url,
    ids,
    patients: book.patients,
    patient: id => book.patients().find(p => p.id === id) ?? null,
    holds: grants => grants.every(g => consentLives(ctx, g)),
    async session(actor, patientId) {
      const patient = patientFor(actor, patientId)
      pool.sweep()
      return pool.get(sessionKey(actor, patientId), () => open(actor, patient))
    },
    openFor(actor) {
      const mine = sessionKey(actor, '')
      return pool.open().filter(s => sessionKey(s.actor, '') === mine && (actor.patient === null || actor.patient === s.patient.id))
    },
    async submit(actor, patientId, what) {
      const patient = patientFor(actor, patientId)
      ensure(patient.write, 'NO_GRANT', 'The patient gave no live consent to write.')
      if ('items' in what) {
        const verdicts = await writeItems(writing(actor, patient), what.items)
        // What sessions do not hold yet they list before they answer again.
        for (const s of pool.open().filter(x => x.patient.id === patientId)) s.listedAt = 0
        return verdicts
      }
      if (what.resources.length === 0) return []
      ensure(what.resources.length <= MAX_TOGETHER, 'TOO_LARGE', `At most ${MAX_TOGETHER} resources are written together.`)
      const { verdicts, written } = await writeResources(writing(actor, patient), what.resources)
      const key = sessionKey(actor, patientId)
      for (const s of pool.open().filter(x => x.patient.id === patientId)) {
        if (sessionKey(s.actor, patientId) === key) s.add(written)
        else s.listedAt = 0
      }
      return verdicts
    },
    async askErasure(actor, session, recordId) {
      ensure(session.authorOf(recordId) === ring.did, 'DENIED', 'Only what this organisation wrote can be asked back.')
      const text = `${ring.name} (${actor.person}) asks you to erase record ${recordId.slice(0, 8)}. It stays until you do.`
      await sendNotice(ctx, { to: session.patient.did, text })
    },
    ask: request => requestAccess(ctx, request),
    onEnded(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async close() {
      stop.abort()
      pool.endAll(STOPPED)
      await Promise.all([watching, sweeping])
    },
  }
}

const SWEEP = 1000

async function sweep(work: () => void, pause: GatewayOptions['pause'], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(SWEEP, signal).catch(() => {})
    if (!signal.aborted) work()
  }
}
