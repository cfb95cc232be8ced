import { witnessKey } from '@keepwell/sdk/audit/cosign'
import { decode, encode } from '@keepwell/sdk/base/cbor'
import { ERRORS, type ErrorCode, ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { decodeAs, type Shape } from '@keepwell/sdk/base/shape'
import type { Witnesses } from '@keepwell/sdk/ports/witness'
import { CBOR } from '@keepwell/sdk/wire/routes'
import { noted, reported, seenHead, WITNESS_ROUTES } from '@keepwell/sdk/wire/witness'

export type WitnessOptions = {
  readonly fetch?: typeof globalThis.fetch
  /** Milliseconds for one question; default half a minute, for a witness asks the relay before it answers. */
  readonly timeout?: number
}

const unreachable = (cause?: unknown) => new KeepwellError('RELAY_UNREACHABLE', 'The witness does not answer.', { cause })

/** Witnesses over HTTP. One request each, no retry, no redirect. Throws the witness's own error, or RELAY_UNREACHABLE. */
export function openWitnesses({ fetch = globalThis.fetch, timeout = 30_000 }: WitnessOptions = {}): Witnesses {
  async function ask<T>(
    url: string,
    shape: Shape<T>,
    question: { readonly route: 'witness' | 'seen' | 'note' | 'report'; readonly log?: string; readonly body?: unknown },
  ): Promise<T> {
    const { method, path, answer } = WITNESS_ROUTES[question.route]
    const { body, log = '' } = question
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
    const bytes = await taken(fetch, url + path.replace('{log}', log), init, answer.max)
    try {
      return decodeAs(shape, bytes)
    } catch (cause) {
      throw unreachable(cause)
    }
  }
  return address => {
    const url = address.replace(/\/+$/, '')
    ensure(
      /^https:\/\//.test(url) || /^http:\/\/(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(url),
      'BAD_INPUT',
      'A witness beyond this machine is reached by https only.',
    )
    return {
      url,
      info: () => ask(url, witnessKey, { route: 'witness' }),
      seen: log =>
        ask(url, seenHead, { route: 'seen', log }).catch(e => {
          if (e instanceof KeepwellError && e.code === 'NOT_FOUND') return null
          throw e
        }),
      note: head => ask(url, noted, { route: 'note', body: head }),
      report: evidence => ask(url, reported, { route: 'report', body: evidence }),
    }
  }
}

async function taken(fetch: typeof globalThis.fetch, url: string, init: RequestInit, max: number): Promise<Uint8Array> {
  try {
    const response = await fetch(url, init)
    const stated = Number(response.headers.get('content-length') ?? 0)
    if (stated > max) {
      await response.body?.cancel()
      throw new KeepwellError('TOO_LARGE', 'The witness’s answer is larger than it may be.')
    }
    const bytes = new Uint8Array(await response.arrayBuffer())
    if (!response.ok) throw errorIn(bytes)
    return bytes
  } catch (cause) {
    throw cause instanceof KeepwellError ? cause : unreachable(cause)
  }
}

/** What is no error of ours means that no witness of ours answered. */
function errorIn(bytes: Uint8Array): KeepwellError {
  try {
    const { code, message } = decode(bytes) as { code?: unknown; message?: unknown }
    if (typeof code !== 'string' || typeof message !== 'string' || !Object.hasOwn(ERRORS, code)) return unreachable()
    return new KeepwellError(code as ErrorCode, message.slice(0, 1000))
  } catch (cause) {
    return unreachable(cause)
  }
}
