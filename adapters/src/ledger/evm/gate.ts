/** Lets at most `width` pieces of work run at once, in the order they came. */
export function openGate(width: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let free = width
  const enter = async () => {
    if (free > 0) free--
    else await new Promise<void>(go => waiting.push(go))
  }
  const leave = () => {
    const go = waiting.shift()
    if (go) go()
    else free++
  }
  return async work => {
    await enter()
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
