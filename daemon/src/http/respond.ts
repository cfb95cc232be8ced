import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { utf8 } from '@keepwell/sdk/base/bytes'
import type { HttpAnswer } from './route.ts'

/** Writes an answer; returns the bytes sent. A stream that fails midway cuts the connection, so that no client takes a part for the whole. */
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
  return head ? endHead(response, body) : stream(response, body, signal)
}

async function endHead(response: ServerResponse, body: AsyncIterable<Uint8Array>): Promise<number> {
  await body[Symbol.asyncIterator]().return?.()
  response.end()
  return 0
}

async function stream(response: ServerResponse, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<number> {
  let sent = 0
  const iterator = body[Symbol.asyncIterator]()
  try {
    // What fails before the first chunk can still be told with a status.
    let next = await iterator.next()
    response.flushHeaders()
    while (!next.done) {
      if (signal.aborted) break
      sent += next.value.length
      if (!response.write(next.value)) await once(response, 'drain', { signal })
      next = await iterator.next()
    }
    if (signal.aborted) response.destroy()
    else response.end()
    return sent
  } finally {
    await iterator.return?.()
  }
}
