import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { addressGuard, type HookOptions } from './guard.ts'

export type Got = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array }

/**
 * Gets what lies at an address that somebody else chose, behind `addressGuard`. Throws BAD_INPUT for an address that is refused, TOO_LARGE for
 * more than `max` bytes, PEER_FAILED when there is no answer within `timeout` milliseconds. A redirect is an answer like any other.
 */
export type GetPage = (url: string, asked: { readonly accept: string; readonly max: number; readonly timeout: number }) => Promise<Got>

export function openGetter(options: HookOptions = {}): GetPage {
  const guard = addressGuard(options)
  return (text, { accept, max, timeout }) =>
    new Promise((done, fail) => {
      const url = guard.check(text)
      const failed = (cause: unknown): void =>
        fail(cause instanceof KeepwellError ? cause : new KeepwellError('PEER_FAILED', 'That address does not answer.', { cause }))
      const ask = url.protocol === 'https:' ? secure : plain
      const sent = ask(
        url,
        { headers: { accept }, lookup: guard.lookup, signal: AbortSignal.timeout(timeout), agent: false },
        async response => {
          try {
            const chunks: Buffer[] = []
            let size = 0
            for await (const chunk of response as AsyncIterable<Buffer>) {
              size += chunk.length
              ensure(size <= max, 'TOO_LARGE', 'What lies at that address is too large.')
              chunks.push(chunk)
            }
            const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]))
            done({ status: response.statusCode ?? 0, headers, body: new Uint8Array(Buffer.concat(chunks)) })
          } catch (cause) {
            failed(cause)
          }
        },
      )
      sent.on('error', failed)
      sent.end()
    })
}
