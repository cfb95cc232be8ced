import { decode, encode } from '@keepwell/sdk/base/cbor'
import { ERRORS, type ErrorCode, KeepwellError } from '@keepwell/sdk/base/error'
import { decodeAs, type Shape } from '@keepwell/sdk/base/shape'
import { custodianInfo, drillAnswer, releaseAnswer } from '@keepwell/sdk/identity/emergency'
import type { Custodian } from '@keepwell/sdk/ports/custody'
import { CUSTODIAN_ROUTES } from '@keepwell/sdk/wire/custodian'
import { CBOR } from '@keepwell/sdk/wire/routes'

export type CustodianOptions = {
  readonly fetch?: typeof globalThis.fetch
  /** Milliseconds for one call; default half a minute, for a custodian tells people before it answers. */
  readonly timeout?: number
}

const unreachable = (cause?: unknown) => new KeepwellError('RELAY_UNREACHABLE', 'The custodian does not answer.', { cause })

/** Custodians over HTTP. One request each, no retry, no redirect. Throws the custodian's own error, or RELAY_UNREACHABLE. */
export function openCustodians({ fetch = globalThis.fetch, timeout = 30_000 }: CustodianOptions = {}): (url: string) => Custodian {
  async function ask<T>(url: string, route: 'custodian' | 'release' | 'drill', shape: Shape<T>, body?: unknown): Promise<T> {
    const { method, path, answer } = CUSTODIAN_ROUTES[route]
    const init: RequestInit = {
      method,
      headers: { accept: CBOR, ...(body ? { 'content-type': CBOR } : {}) },
      redirect: 'error',
      credentials: 'omit',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(timeout),
      body: body ? (encode(body) as Uint8Array<ArrayBuffer>) : null,
    }
    const response = await fetch(`${url.replace(/\/+$/, '')}${path}`, init).catch(cause => {
      throw cause instanceof KeepwellError ? cause : unreachable(cause)
    })
    const whole = await response.arrayBuffer().catch(cause => {
      throw unreachable(cause)
    })
    const bytes = new Uint8Array(whole)
    if (!response.ok) throw errorIn(bytes)
    if (bytes.length > answer.max) throw new KeepwellError('TOO_LARGE', 'The custodian’s answer is larger than it may be.')
    return decodeAs(shape, bytes)
  }
  return url => ({
    url,
    info: () => ask(url, 'custodian', custodianInfo),
    release: call => ask(url, 'release', releaseAnswer, call),
    drill: call => ask(url, 'drill', drillAnswer, call),
  })
}

/** What is no error of ours means that no custodian of ours answered. */
function errorIn(bytes: Uint8Array): KeepwellError {
  try {
    const { code, message } = decode(bytes) as { code?: unknown; message?: unknown }
    if (typeof code !== 'string' || typeof message !== 'string' || !Object.hasOwn(ERRORS, code)) return unreachable()
    return new KeepwellError(code as ErrorCode, message.slice(0, 1000))
  } catch (cause) {
    return unreachable(cause)
  }
}
