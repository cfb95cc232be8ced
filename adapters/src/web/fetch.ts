import { concat } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Web, WebAsk } from '@keepwell/sdk/ports/web'

const TIMEOUT_MS = 30_000

function checked(text: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'That is no web address.', { cause })
  }
  const loopback = url.protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  ensure((url.protocol === 'https:' || loopback) && !url.username && !url.password, 'BAD_INPUT', 'Other servers are asked by https only.')
  return url
}

/** Runs in Node and browsers. */
export function openWeb(options: { readonly fetch?: typeof fetch; readonly timeout?: number } = {}): Web {
  const send: typeof fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  return {
    async ask(address, ask) {
      const url = checked(address)
      try {
        const response = await send(url, requestOf(ask, options.timeout ?? TIMEOUT_MS))
        const wait = waitOf(response.headers)
        return {
          status: response.status,
          type: response.headers.get('content-type') ?? '',
          body: await whole(response, ask.max),
          ...(wait > 0 ? { retryAfter: wait } : {}),
        }
      } catch (cause) {
        if (cause instanceof KeepwellError) throw cause
        if (ask.signal?.aborted) throw new KeepwellError('CANCELLED', 'Stopped while a server was asked.', { cause })
        throw new KeepwellError('PEER_FAILED', `The server at ${url.host} does not answer.`, { cause })
      }
    },
  }
}

function requestOf(
  { method = 'GET', accept, body, type = 'application/json', authorization, signal }: WebAsk,
  timeout: number,
): RequestInit {
  const patience = AbortSignal.timeout(timeout)
  return {
    method,
    headers: {
      accept,
      ...(body === undefined ? {} : { 'content-type': type }),
      ...(authorization === undefined ? {} : { authorization }),
    },
    ...(body === undefined ? {} : { body }),
    redirect: 'error',
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    cache: 'no-store',
    signal: signal ? AbortSignal.any([signal, patience]) : patience,
  }
}

/** `Retry-After` in seconds (RFC 9110 §10.2.3); a date counts from the server's own, so that no clock needs to agree. */
function waitOf(headers: Headers): number {
  const said = headers.get('retry-after') ?? ''
  if (/^\d+$/.test(said)) return Number(said)
  const [then, now] = [Date.parse(said), Date.parse(headers.get('date') ?? '')]
  return Number.isNaN(then) || Number.isNaN(now) ? 0 : Math.max(0, Math.ceil((then - now) / 1000))
}

async function whole(response: Response, max: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let size = 0
  const reader = response.body?.getReader()
  for (let part = await reader?.read(); part && !part.done; part = await reader!.read()) {
    size += part.value.length
    if (size > max) {
      await reader!.cancel()
      throw new KeepwellError('TOO_LARGE', `The server answers with more than ${max} bytes.`)
    }
    parts.push(part.value)
  }
  return concat(...parts)
}
