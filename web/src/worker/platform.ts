import { isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import type { Moment } from './presence.ts'

/** The worker's clock and randomness: the one place where they are made. */
export const clock = (): number => Math.floor(Date.now() / 1000)
export const elapsed = (): number => performance.now()
export const moment = (): Moment => ({ wall: Date.now() / 1000, ticks: elapsed() / 1000 })
export const random = (length: number): Uint8Array => {
  const out = new Uint8Array(length)
  // The browser gives at most 64 KiB a call.
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(out.subarray(at, at + 65_536))
  return out
}
/** How many seconds this device's clock is ahead of the place it came from; negative when it is behind. */
export async function skew(origin: string): Promise<number> {
  const date = (await fetch(`${origin}/health/live`, { cache: 'no-store' })).headers.get('date')
  return clock() - Math.floor(Date.parse(date ?? '') / 1000)
}
export const pause = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const timer = setTimeout(resolve, milliseconds)
    signal?.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })

/** Whether there is a server at all, though it lets no page of others read what it answers (Fetch, `no-cors`): nothing of it is seen here. */
export const answersUnread = (url: string): Promise<boolean> =>
  fetch(url, { mode: 'no-cors', credentials: 'omit', referrerPolicy: 'no-referrer', cache: 'no-store' }).then(
    () => true,
    () => false,
  )

/** Work that only one tab of this browser does at a time; the others wait for their turn. */
export const inTurn = <T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
  navigator.locks.request(name, { signal }, work).catch(cause => {
    if (!signal.aborted || isKeepwellError(cause)) throw cause
    throw new KeepwellError('CANCELLED', 'Stopped while another tab was at it.', { cause })
  })

/** Calls again and again; returns how to stop. */
export function every(milliseconds: number, work: () => unknown): () => void {
  const timer = setInterval(work, milliseconds)
  return () => clearInterval(timer)
}

/** What opening a record would only like to note must not keep it shut when this device has no room left. */
export const unlessFull = (e: unknown): void => {
  if (!isKeepwellError(e, 'STORAGE_FULL')) throw e
}
