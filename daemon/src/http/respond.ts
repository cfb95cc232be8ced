import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { utf8 } from '@keepwell/sdk/base/bytes'
import type { HttpAnswer } from './route.ts'

/** Aborts when the client is gone before its answer is whole. */
export function departure(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  // After a whole answer nobody listens any more; and an abort, with its reason and events, costs more than a short answer.
  response.on('close', () => response.writableFinished || gone.abort())
  return gone.signal
}

/** Writes an answer; returns the bytes sent. A stream that fails midway, or may not go on, throws: who called cuts the connection, so that no client takes a part for the whole. */
export async function respond(response: ServerResponse, answer: HttpAnswer, head: boolean, signal: AbortSignal): Promise<number> {
  const { body } = answer
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
  response.setHeader('content-type', answer.type)
  response.statusCode = answer.status ?? 200
  if (typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = typeof body === 'string' ? utf8(body) : body
    response.setHeader('content-length', bytes.length)
    response.end(head ? undefined : bytes)
    return head ? 0 : bytes.length
  }
  return head ? endHead(response, body) : stream(response, body, { gone: signal, until: answer.until })
}

async function endHead(response: ServerResponse, body: AsyncIterable<Uint8Array>): Promise<number> {
  await body[Symbol.asyncIterator]().return?.()
  response.end()
  return 0
}

type While = { readonly gone: AbortSignal; readonly until: AbortSignal | undefined }

async function stream(response: ServerResponse, body: AsyncIterable<Uint8Array>, { gone, until }: While): Promise<number> {
  let sent = 0
  const over = until ? AbortSignal.any([gone, until]) : gone
  const iterator = body[Symbol.asyncIterator]()
  try {
    // What fails before the first chunk can still be told with a status.
    let next = await iterator.next()
    until?.throwIfAborted()
    response.flushHeaders()
    while (!next.done && !over.aborted) {
      sent += next.value.length
      // A slow client is waited for, and nothing is made meanwhile that it would have to be kept for; what ends the answer ends the waiting.
      if (!response.write(next.value))
        await once(response, 'drain', { signal: over }).catch(e => {
          throw over.aborted ? over.reason : e
        })
      next = await iterator.next()
    }
    until?.throwIfAborted()
    if (gone.aborted) response.destroy()
    else response.end()
    return sent
  } finally {
    await iterator.return?.()
  }
}
