import { utf8 } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import type { Call } from '@keepwell/sdk/identity/call'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Relay } from '@keepwell/sdk/ports/relay'
import { tell } from '#http/errors'

const PING_MILLISECONDS = 20_000

export type Streams = { open(caller: Did): () => void; count(): number }

/** How many event streams are open; throws RATE_LIMITED beyond the caps. */
export function streams(max: number, perCaller: number): Streams {
  const open = new Map<Did, number>()
  let total = 0
  return {
    open(caller) {
      const own = open.get(caller) ?? 0
      ensure(total < max && own < perCaller, 'RATE_LIMITED', 'Too many event streams are open; close one.')
      open.set(caller, own + 1)
      total++
      return () => {
        total--
        const left = open.get(caller)! - 1
        if (left) open.set(caller, left)
        else open.delete(caller)
      }
    },
    count: () => total,
  }
}

const line = (text: string) => utf8(`${text}\n\n`)

/**
 * The relay's words as server-sent events, with a comment now and then so that nobody on the way takes the silence for an end. A refusal
 * comes as an event `error`, for the status has been sent by then.
 */
export async function* eventStream(relay: Relay, auth: Call, signal: AbortSignal, newId: () => string): AsyncGenerator<Uint8Array> {
  const end = new AbortController()
  const words = relay.events(auth, AbortSignal.any([signal, end.signal]))[Symbol.asyncIterator]()
  let timer: NodeJS.Timeout | undefined
  try {
    yield line(': keepwell')
    let next = words.next()
    for (;;) {
      const ping = new Promise<'ping'>(resolve => {
        timer = setTimeout(resolve, PING_MILLISECONDS, 'ping')
      })
      const found = await Promise.race([next, ping])
      clearTimeout(timer)
      if (found === 'ping') yield line(': ping')
      else if (found.done) return
      else {
        yield line(`data: ${found.value}`)
        next = words.next()
      }
    }
  } catch (error) {
    const { code, message } = tell(error, newId)
    yield line(`event: error\ndata: ${JSON.stringify({ code, message })}`)
  } finally {
    clearTimeout(timer)
    end.abort()
    await words.return?.(undefined)
  }
}
