import { type ClientRequest, type IncomingMessage, Agent as PlainAgent, request as plain } from 'node:http'
import { Agent as SecureAgent, request as secure } from 'node:https'
import { Readable } from 'node:stream'
import { isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { addressGuard, type HookOptions } from './guard.ts'

/** The way to servers of our own kind that somebody else named. */
export type Door = {
  /** Throws RELAY_NOT_FOLLOWED for what can be told without asking DNS. */
  check(url: string): void
  /** As everybody's, but for what is refused (RELAY_NOT_FOLLOWED) and for redirects, which are an error. Connects directly, through no proxy. */
  readonly fetch: typeof globalThis.fetch
}

/** How long a connection that nobody uses is kept, milliseconds: as long as Node's own fetch keeps its. */
const IDLE = 4000
/** Of an answer, bytes that are held before whoever reads it asks for more. */
const AHEAD = 65_536

/** A door behind `addressGuard`. Each name is resolved once for each connection, and connections are kept. */
export function openDoor(options: HookOptions = {}): Door {
  const guard = addressGuard(options)
  const kept = { keepAlive: true, timeout: IDLE, lookup: guard.lookup }
  const ways = {
    'https:': { ask: secure, agent: new SecureAgent(kept) },
    'http:': { ask: plain, agent: new PlainAgent(kept) },
  }
  const check = (text: string): URL => {
    try {
      return guard.check(text)
    } catch (e) {
      throw told(e)
    }
  }
  return {
    check: text => void check(text),
    async fetch(input, { method = 'GET', headers, body = null, signal = null } = {}) {
      const url = check(String(input))
      signal?.throwIfAborted()
      const { ask, agent } = ways[url.protocol as keyof typeof ways]
      return new Promise((done, fail) => {
        const failed = (cause: unknown): void => fail(signal?.aborted ? signal.reason : told(cause))
        const asked = { method, headers: Object.fromEntries(new Headers(headers)), agent, ...(signal ? { signal } : {}) }
        const sent = ask(url, asked, came => {
          try {
            done(answerOf(came, signal))
          } catch (cause) {
            came.destroy()
            failed(cause)
          }
        })
        sent.on('error', failed)
        send(sent, body)
      })
    },
  }
}

/** What the guard refuses, as it is told of relays. */
const told = (e: unknown): unknown =>
  isKeepwellError(e, 'BAD_INPUT') ? new KeepwellError('RELAY_NOT_FOLLOWED', e.message, { cause: e }) : e

function send(request: ClientRequest, body: BodyInit | null): void {
  if (body instanceof ReadableStream) {
    const parts = Readable.fromWeb(body as import('node:stream/web').ReadableStream)
    parts.on('error', cause => request.destroy(cause))
    request.on('close', () => parts.destroy())
    parts.pipe(request)
  } else request.end(body)
}

const EMPTY = new Set([204, 205])

/** Throws for a redirect, and for a status or headers that no answer has. */
function answerOf(came: IncomingMessage, signal: AbortSignal | null): Response {
  const status = came.statusCode ?? 0
  if (status >= 300 && status < 400) throw new TypeError('A redirect is not followed.')
  const headers = new Headers(Object.entries(came.headers).map(([name, value]) => [name, String(value)]))
  if (!EMPTY.has(status)) return new Response(bodyOf(came, signal), { status, headers })
  came.resume()
  return new Response(null, { status, headers })
}

function bodyOf(came: IncomingMessage, signal: AbortSignal | null): ReadableStream<Uint8Array> {
  let over = false
  const end = (work: () => void): void => {
    if (!over) work()
    over = true
  }
  return new ReadableStream<Uint8Array>(
    {
      start(to) {
        came.on('data', (chunk: Buffer) => {
          if (over) return
          // As everybody's: a Buffer has another `slice`.
          to.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
          if ((to.desiredSize ?? 0) <= 0) came.pause()
        })
        came.on('end', () => end(() => to.close()))
        came.on('error', cause => end(() => to.error(signal?.aborted ? signal.reason : cause)))
      },
      pull: () => void came.resume(),
      cancel: () => end(() => came.destroy()),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: AHEAD }),
  )
}
