import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { openHooks } from '@keepwell/adapters/hooks/post'
import { openMail } from '@keepwell/adapters/notices/mail'
import { openNotices } from '@keepwell/adapters/notices/notices'
import { openPush } from '@keepwell/adapters/notices/push'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { keepRequests } from '@keepwell/sdk/actions/access/waiting-requests'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { answerDrill, type CustodianCtx, releaseShare, ringBells, tellAgain } from '@keepwell/sdk/actions/emergency/release'
import { ownBundle } from '@keepwell/sdk/actions/vault/calls'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { encodeBundle } from '@keepwell/sdk/identity/bundle'
import type { Call } from '@keepwell/sdk/identity/call'
import type { CustodyStore } from '@keepwell/sdk/ports/custody'
import type { Config } from '#config/config'
import { custodianRoutes } from '#custodian/routes'
import { metrics } from '#http/metrics'
import { type HttpServer, serveHttp } from '#http/server'
import { isLoopback, type LogLine, type Tls } from '#http/settings'
import { openCustodyAt } from './custody.ts'

export type CustodianSettings = {
  readonly ctx: Ctx
  /** The home's folder. */
  readonly dir: string
  readonly host: string
  readonly port: number
  readonly tls: Tls | null
  readonly limits: Config['http']
  /** Host names besides the one it listens on. */
  readonly hosts: readonly string[]
  readonly mail: { readonly url: string; readonly from: string } | null
  /** Networks inside the operator's walls that a webhook may be in. */
  readonly hooksTo: readonly string[]
  readonly log: (line: LogLine) => void
  /** Seconds between two looks into the mailbox; default 15. */
  readonly lookEvery?: number
}

export type RunningCustodian = { readonly url: string; readonly custody: CustodyStore; look(): Promise<void>; close(): Promise<void> }

/** Serves a custodian: takes shares from its mailbox, releases them by the rules, tells people and tells again whom it could not reach. */
export async function serveCustodian(settings: CustodianSettings): Promise<RunningCustodian> {
  const { dir, log, mail, hooksTo, lookEvery = 15 } = settings
  const opened = new AsyncDisposableStack()
  try {
    const store = openCustodyAt(settings.ctx, dir)
    opened.defer(store.close)
    const post = mail ? openMail(mail) : null
    opened.defer(async () => post?.close())
    const hooks = openHooks({ allow: hooksTo })
    const { release: wake } = openPush({ hooks, contact: mail?.from ?? null, clock: settings.ctx.clock })
    const notices = { ...openNotices({ mail: post, hooks }), wake }
    const ctx: Ctx & CustodianCtx = { ...settings.ctx, custody: store.custody, notices, timer: () => Math.round(performance.now()) }
    const look = oneAtATime(async () => {
      await keepRequests(ctx, await receiveMessages(ctx))
      await tellAgain(ctx)
    })
    const ring = oneAtATime(() => ringBells(ctx))
    const logged = (task: string, work: () => Promise<unknown>) => (): Promise<unknown> =>
      work().catch(e => log({ level: 'error', task, code: isKeepwellError(e) ? e.code : 'DEFECT', detail: '' }))
    const [looking, ringing] = [logged('look', look), logged('ring', ring)]
    const server = await serve(settings, ctx, { look, looking, ringing })
    opened.defer(() => server.close())
    await looking()
    // Nothing waits for bells: whoever hangs one at a relay that never answers would hold up everybody else.
    void ringing()
    const timer = setInterval(() => {
      void looking()
      void ringing()
    }, lookEvery * 1000)
    opened.defer(async () => {
      clearInterval(timer)
      await Promise.all([looking(), ringing()])
    })
    return { url: server.url, custody: store.custody, look, close: () => opened.disposeAsync() }
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
}

/** Of those who ask while one runs, all get the next run. */
function oneAtATime(work: () => Promise<unknown>): () => Promise<void> {
  let last: Promise<unknown> = Promise.resolve()
  let next: Promise<void> | null = null
  return () => {
    next ??= last
      .catch(() => {})
      .then(async () => {
        next = null
        last = work()
        await last
      })
    return next
  }
}

/** Milliseconds: what contacts sent is taken first, and then strangers may have a look wait for relays that do not answer. */
const PATIENCE = 10_000
const soon = (work: Promise<unknown>): Promise<unknown> => Promise.race([work, pause(PATIENCE, undefined, { ref: false })])

/** `looking` and `ringing` log how they failed and go on. */
type Errands = { readonly look: () => Promise<void>; readonly looking: () => Promise<unknown>; readonly ringing: () => Promise<unknown> }

function serve(settings: CustodianSettings, ctx: Ctx & CustodianCtx, { look, looking, ringing }: Errands): Promise<HttpServer> {
  const counters = metrics()
  const { ring } = ctx.session.state
  /** A share may have been on its way when its card was shown. */
  const withMail = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (e) {
      if (!isKeepwellError(e, 'NOT_FOUND')) throw e
      await soon(look())
      return work()
    }
  }
  const doors = {
    info: async () => ({ did: ring.did, bundle: encodeBundle(ownBundle(ctx.session.state.ring)) }),
    async release(call: Call) {
      const answer = await withMail(() => releaseShare(ctx, call))
      void ringing()
      return answer
    },
    /** The share that is held may have been replaced by one on its way; nobody but its vault makes a custodian look. */
    async drill(call: Call) {
      await withMail(() => answerDrill(ctx, call))
      await soon(looking())
      return answerDrill(ctx, call)
    },
  }
  const now = (): number => performance.now()
  const options = {
    host: settings.host,
    port: settings.port,
    tls: settings.tls,
    // Patients and professionals ask from the page of their own relay. Every call is signed, and none rests on what a browser sends by itself.
    origins: ['*'],
    hosts: isLoopback(settings.host) ? [...settings.hosts] : null,
    proxies: 0,
    limits: settings.limits,
    now,
    newId: () => randomBytes(6).toString('hex'),
    log: settings.log,
  }
  return serveHttp(custodianRoutes({ doors, custody: ctx.custody!, metrics: counters, now }), options, o => counters.observe(o))
}
