import { encode } from '@keepwell/sdk/base/cbor'
import { ERRORS, type ErrorCode, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import type { HttpAnswer } from './route.ts'

/** What a client is told, and what only the operator's log holds. */
export type Told = {
  readonly code: ErrorCode
  readonly status: number
  readonly message: string
  readonly wait?: number
  /** For the log: set when the client got an opaque incident id instead of the truth. */
  readonly incident?: { readonly id: string; readonly detail: string }
}

/** A refusal that says when to come back, in seconds. */
export class RateLimited extends KeepwellError {
  readonly wait: number
  constructor(wait: number) {
    super('RATE_LIMITED', `Too many requests; wait ${wait} seconds and retry.`)
    this.wait = wait
  }
}

/**
 * Our own refusals speak for themselves. What failed inside (5xx, and anything unforeseen) may name files, hosts or worse, so the client
 * gets the code's general sentence and an incident id.
 */
export function tell(error: unknown, newId: () => string): Told {
  const code = codeOf(error)
  const status = ERRORS[code].http
  if (status < 500 || code === 'STOPPING')
    return { code, status, message: (error as Error).message.slice(0, 1000), ...(error instanceof RateLimited ? { wait: error.wait } : {}) }
  const id = newId()
  return { code, status, message: `${ERRORS[code].about} Incident ${id}.`, incident: { id, detail: detailOf(error) } }
}

function codeOf(error: unknown): ErrorCode {
  if (isKeepwellError(error)) return error.code
  return (error as { name?: unknown } | null)?.name === 'AbortError' ? 'CANCELLED' : 'DEFECT'
}

const MAX_DETAIL = 4000

/** The chain of causes: for errors of ours code and sentence, for others the stack. Never a body. */
function detailOf(error: unknown): string {
  const parts: string[] = []
  for (let e = error, depth = 0; e instanceof Error && depth < 5; e = e.cause, depth++)
    parts.push(isKeepwellError(e) && e.code !== 'DEFECT' ? `${e.code}: ${e.message}` : (e.stack ?? e.message))
  return (parts.join('\ncaused by ') || typeof error).slice(0, MAX_DETAIL)
}

/** The answer's bytes: CBOR for those who ask for it, JSON for everybody else. */
export function errorAnswer(told: Told, accept: string | undefined): HttpAnswer {
  const body = { code: told.code, message: told.message }
  const cbor = accept?.includes('application/cbor') ?? false
  return {
    status: told.status,
    type: cbor ? 'application/cbor' : 'application/json',
    ...(told.wait ? { headers: { 'retry-after': String(told.wait) } } : {}),
    body: cbor ? encode(body) : JSON.stringify(body),
  }
}
