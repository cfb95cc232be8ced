/** Milliseconds that are spent at once, after a long rest. */
const AT_ONCE = 2000
/** Of all time afterwards: one part in so many. */
const PARTS = 20

export type Rationed = {
  /** Does it now, or sees to it that it is done later, once for all who asked; false for later. Throws what the work throws. */
  ask(): boolean
  /** Does what is owed still. */
  settle(): Promise<void>
}

/**
 * Work in which nothing else goes on, and which strangers can cause: it gets a twentieth of the time. What was put off begins when `ready` resolves;
 * where it fails it is owed still.
 */
export function rationed(work: () => void, ready: () => Promise<void>, now = () => performance.now()): Rationed {
  let [left, counted] = [AT_ONCE, now()]
  let owed = false
  let timer: NodeJS.Timeout | undefined
  function run(): void {
    const begun = now()
    owed = true
    try {
      work()
      owed = false
    } finally {
      left -= now() - begun
    }
  }
  const later = async (): Promise<void> => {
    timer = undefined
    await ready()
    if (owed) run()
  }
  return {
    ask() {
      left = Math.min(AT_ONCE, left + (now() - counted) / PARTS)
      counted = now()
      if (left > 0) {
        run()
        return true
      }
      owed = true
      timer ??= setTimeout(() => void later().catch(() => {}), -left * PARTS + 1).unref()
      return false
    },
    async settle() {
      clearTimeout(timer)
      if (owed) await later()
    },
  }
}
