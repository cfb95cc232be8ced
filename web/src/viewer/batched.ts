type Waiting<T> = { readonly key: string; readonly resolve: (value: T) => void; readonly reject: (error: unknown) => void }

/** Asked for together; an opening of a record is written down for its owner once for each batch. */
const MOST = 16

/** Gathers what is asked for at about the same time into one question. One that fails fails for those in it alone. */
export function batched<T>(ask: (keys: readonly string[]) => Promise<readonly T[]>): (key: string) => Promise<T> {
  let waiting: Waiting<T>[] = []
  const send = (): void => {
    const mine = waiting
    waiting = []
    for (let at = 0; at < mine.length; at += MOST) {
      const some = mine.slice(at, at + MOST)
      ask(some.map(w => w.key)).then(
        values => {
          for (const [i, w] of some.entries()) w.resolve(values[i]!)
        },
        error => {
          for (const w of some) w.reject(error)
        },
      )
    }
  }
  return key =>
    new Promise((resolve, reject) => {
      if (waiting.push({ key, resolve, reject }) === 1) setTimeout(send)
    })
}
