import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { HttpLimits } from './settings.ts'

/** Milliseconds that a request may still take, `elapsed` after its head: more for each byte that came. */
export const left = (
  { requestSeconds, bytesPerSecond }: Pick<HttpLimits, 'requestSeconds' | 'bytesPerSecond'>,
  { elapsed, bytes }: { readonly elapsed: number; readonly bytes: number },
): number => (requestSeconds + bytes / bytesPerSecond) * 1000 - elapsed

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

/** Whether bytes that came lie here untaken: then we keep the other side waiting, and not it us. */
export const isHeldBack = ({ readableLength }: IncomingMessage): boolean => readableLength > 0

/** By connection, what came before the request: a head and the beginning of its body come in one piece. */
const before = new WeakMap<Socket, number>()

/**
 * Calls `late` once if the body of a request comes more slowly than it may. A flat limit would refuse what is large, not what is slow. While we
 * hold the body back its time does not run.
 */
export function awaitBody(
  request: IncomingMessage,
  response: ServerResponse,
  { limits, now, late }: { readonly limits: HttpLimits; readonly now: () => number; readonly late: () => void },
): void {
  if (!hasBody(request)) return
  const { socket } = request
  let began = now()
  let from = before.get(socket) ?? 0
  let wasHeld = false
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    if (request.complete) return
    const held = isHeldBack(request)
    // When we let go is not known, only that it was since the last look.
    if (held || wasHeld) {
      began = now()
      from = socket.bytesRead
    }
    wasHeld = held
    const wait = left(limits, { elapsed: now() - began, bytes: socket.bytesRead - from })
    if (wait <= 0) return void late()
    timer = setTimeout(look, Math.ceil(wait)).unref()
  }
  look()
  response.once('close', () => {
    clearTimeout(timer)
    before.set(socket, socket.bytesRead)
  })
}
