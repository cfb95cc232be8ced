/** The worker's clock and randomness: the one place where they are made. */
export const clock = (): number => Math.floor(Date.now() / 1000)
export const elapsed = (): number => performance.now()
export const random = (length: number): Uint8Array => {
  const out = new Uint8Array(length)
  // The browser gives at most 64 KiB a call.
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(out.subarray(at, at + 65_536))
  return out
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

/** Calls again and again; returns how to stop. */
export function every(milliseconds: number, work: () => unknown): () => void {
  const timer = setInterval(work, milliseconds)
  return () => clearInterval(timer)
}
