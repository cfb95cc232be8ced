import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { addressGuard, type HookOptions } from './guard.ts'

export type HookPost = {
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly type: string
  readonly body: string | Uint8Array
  /** Milliseconds for the whole of it. */
  readonly timeout: number
  readonly signal?: AbortSignal
}

/** Posts to an address that somebody else chose. Gives the HTTP status; PEER_FAILED when there is none, BAD_INPUT for an address that is refused. */
export type PostHook = {
  post(post: HookPost): Promise<number>
  /** Throws BAD_INPUT for what can be told without asking DNS: no https, or an address of a closed network. */
  check(url: string): void
}

/** What an endpoint may say in answer before it is cut off, bytes: it is not read. */
const MAX_ANSWER = 64 << 10

/** Hooks behind `addressGuard`; no redirect is followed. */
export function openHooks(options: HookOptions = {}): PostHook {
  const guard = addressGuard(options)
  return {
    check: text => void guard.check(text),
    post: ({ url: text, headers, type, body, timeout, signal }) =>
      new Promise((done, fail) => {
        const url = guard.check(text)
        const bytes = Buffer.from(body)
        const own = { ...Object.fromEntries(headers), 'content-type': type, 'content-length': bytes.length }
        const ends = AbortSignal.any([AbortSignal.timeout(timeout), ...(signal ? [signal] : [])])
        const send = url.protocol === 'https:' ? secure : plain
        const sent = send(url, { method: 'POST', headers: own, lookup: guard.lookup, signal: ends, agent: false }, response => {
          let size = 0
          response.on('data', (chunk: Buffer) => {
            size += chunk.length
            if (size > MAX_ANSWER) response.destroy()
          })
          response.on('error', () => {})
          done(response.statusCode ?? 0)
        })
        sent.on('error', cause =>
          fail(cause instanceof KeepwellError ? cause : new KeepwellError('PEER_FAILED', 'The endpoint does not answer.', { cause })),
        )
        sent.end(bytes)
      }),
  }
}
