export type Slots = {
  /** Resolves when a place is free, in the order of asking. Rejects when the signal aborts first. */
  take(signal: AbortSignal): Promise<void>
  give(): void
}

/** A number of places that are taken and given back. */
export function slotsOf(places: number): Slots {
  const waiting: (() => void)[] = []
  let free = places
  return {
    async take(signal) {
      signal.throwIfAborted()
      if (free > 0) {
        free--
        return
      }
      await new Promise<void>((resolve, reject) => {
        const take = (): void => {
          signal.removeEventListener('abort', leave)
          resolve()
        }
        const leave = (): void => {
          waiting.splice(waiting.indexOf(take), 1)
          reject(signal.reason)
        }
        waiting.push(take)
        signal.addEventListener('abort', leave, { once: true })
      })
    },
    give() {
      const next = waiting.shift()
      if (next) next()
      else free++
    },
  }
}
