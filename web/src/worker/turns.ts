/** Work of which one run at a time is enough; a call meanwhile waits for the run that goes on. */
export function single<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null
  return () => (running ??= work().finally(() => (running = null)))
}

/** Work that looks at what is there now: a call while one run goes on waits for one more, for that run may have looked already. */
export function anew<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null
  let next: Promise<T> | null = null
  const run = (): Promise<T> => {
    next = null
    running ??= work().finally(() => {
      running = null
    })
    return running
  }
  return () => {
    if (!running) return run()
    next ??= running.then(run, run)
    return next
  }
}

/** Counts what goes on. What is asked for meanwhile is put off, not forgotten: it is done once, when the last of it has ended. */
export function pending(work: () => void) {
  let going = 0
  let due = false
  return {
    idle: () => going === 0,
    begin(): void {
      going++
    },
    end(): void {
      going--
      if (going > 0 || !due) return
      due = false
      work()
    },
    ask(): void {
      if (going > 0) due = true
      else work()
    },
  }
}
