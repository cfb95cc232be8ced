import type { Keeping } from '#actions/sealed-mark'
import { equal } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import { issueCodes, parsed } from '#health/fhir/page'
import type { Authorizer } from '#ports/authorizer'
import type { Web, WebAnswer } from '#ports/web'
import { type Connection, connections, keepConnection } from './connections.ts'
import { heldOf } from './log-in.ts'
import type { Reason } from './missing.ts'

export type Asking = Keeping & {
  readonly web: Web
  readonly authorizer: Authorizer
  clock(): number
  /** Waits so many seconds; rejects with CANCELLED when `signal` said so. */
  pause(seconds: number, signal?: AbortSignal): Promise<void>
}

export type Got =
  | { readonly ok: true; readonly answer: WebAnswer }
  /** `stop`: what would befall every further question as well. */
  | { readonly ok: false; readonly reason: Reason; readonly stop: boolean; readonly status?: number; readonly codes?: string }

export type Asker = {
  readonly connection: () => Connection
  get(url: string, accept: string, max: number): Promise<Got>
}

/** Between tries after a failure of the server, in seconds. */
const PAUSES = [1, 4]
/** The longest pause that a server may ask for at once, and in one pull; beyond, the next pull goes on. */
const MAX_PAUSE = 120
const MAX_PAUSES = 900
/** An access token that ends so soon is renewed first, in seconds. */
const SOON = 30

const failure = (reason: Reason, stop = false, more: { status?: number; codes?: string } = {}): Got => ({
  ok: false,
  reason,
  stop,
  ...more,
})

/** Asks one hospital with one login: renews the token, waits where the server says so, tries again where it failed. */
export function asker(ctx: Asking, first: Connection, signal?: AbortSignal): Asker {
  const state = { connection: first, paused: 0 }
  const pause = async (seconds: number): Promise<boolean> => {
    if (seconds > MAX_PAUSE || state.paused + seconds > MAX_PAUSES) return false
    state.paused += seconds
    await ctx.pause(seconds, signal)
    return true
  }
  return {
    connection: () => state.connection,
    async get(url, accept, max) {
      let renewed = false
      for (let tries = 0; ; tries++) {
        const { accessUntil, refresh } = state.connection
        if (accessUntil !== null && refresh !== null && accessUntil - SOON <= ctx.clock() && !renewed) {
          renewed = true
          const failed = await renew(ctx, state)
          if (failed) return failed
        }
        const got = await ask(ctx.web, url, { accept, max, token: state.connection.access, signal })
        if (got.ok) return got
        if (got.status === 401 && !renewed) {
          renewed = true
          const failed = await renew(ctx, state)
          if (failed) return failed
          continue
        }
        // Refused under a token that was renewed just now: it is this question, not the login.
        if (got.status === 401) return failure('refused', false, { status: 401 })
        const wait = waitFor(got, tries)
        if (wait === null || !(await pause(wait))) return got
      }
    },
  }
}

type Failed = Extract<Got, { ok: false }> & { readonly retryAfter?: number }

function waitFor({ reason, retryAfter }: Failed, tries: number): number | null {
  if (reason === 'throttled') return tries < 8 ? (retryAfter ?? 2 ** Math.min(tries, 5)) : null
  return reason === 'failed' || reason === 'no-answer' ? (PAUSES[tries] ?? null) : null
}

type Question = { readonly accept: string; readonly max: number; readonly token: string; readonly signal: AbortSignal | undefined }

async function ask(web: Web, url: string, { accept, max, token, signal }: Question): Promise<Extract<Got, { ok: true }> | Failed> {
  try {
    const answer = await web.ask(url, { accept, max, authorization: `Bearer ${token}`, ...(signal ? { signal } : {}) })
    return answer.status === 200 ? { ok: true, answer } : refusalOf(answer)
  } catch (e) {
    if (isKeepwellError(e, 'TOO_LARGE')) return { ok: false, reason: 'too-large', stop: false }
    if (isKeepwellError(e, 'PEER_FAILED')) return { ok: false, reason: 'no-answer', stop: true }
    throw e
  }
}

function refusalOf({ status, body, retryAfter }: WebAnswer): Failed {
  const codes = [...new Set(issueCodes(parsed(body)))].slice(0, 5).join(', ')
  const said = { ok: false as const, status, ...(codes ? { codes } : {}), ...(retryAfter === undefined ? {} : { retryAfter }) }
  if (status === 401) return { ...said, reason: 'login-ended', stop: true }
  if (status === 403) return { ...said, reason: 'refused', stop: false }
  if (status === 429 || (status === 503 && retryAfter !== undefined)) return { ...said, reason: 'throttled', stop: true }
  return { ...said, reason: status >= 500 && status !== 501 ? 'failed' : 'not-understood', stop: false }
}

/** Renews the access token; what comes is kept before it is used, for a refresh token may count once only. Null when it went well. */
async function renew(ctx: Asking, state: { connection: Connection }): Promise<Got | null> {
  const { connection } = state
  if (connection.refresh === null) return failure('login-ended', true)
  try {
    const tokens = await ctx.authorizer.refresh(connection.server, connection.client, connection.refresh)
    state.connection = { ...connection, ...heldOf(tokens, ctx.clock(), connection) }
    await keepConnection(ctx, state.connection)
    return null
  } catch (e) {
    if (isKeepwellError(e, 'PEER_FAILED')) return failure('no-answer', true)
    if (!isKeepwellError(e, 'DENIED')) throw e
    // Another command on this device may have renewed it meanwhile.
    const kept = (await connections(ctx)).find(c => equal(c.id, connection.id))
    if (!kept || kept.access === connection.access) return failure('login-ended', true)
    state.connection = kept
    return null
  }
}
