/** What others were asked for and have not answered, whoever waits for it. */
export type UnderWay = {
  keep<T>(work: Promise<T>): Promise<T>
  /** Resolves when there is nothing any more. */
  settled(): Promise<void>
}

export function underWay(): UnderWay {
  const going = new Set<Promise<unknown>>()
  return {
    keep(work) {
      const over = work
        .then(
          () => {},
          () => {},
        )
        .finally(() => going.delete(over))
      going.add(over)
      return work
    },
    async settled() {
      while (going.size) await Promise.all(going)
    },
  }
}
