/** A cache of values that drops the least recently used once their total size passes `capacity` (bytes, or 1 a value for a count). */
export type Lru<V> = {
  get(key: string): V | undefined
  has(key: string): boolean
  set(key: string, value: V): void
  clear(): void
}

export function lru<V>(capacity: number, sizeOf: (key: string, value: V) => number = () => 1): Lru<V> {
  // A Map iterates in order of insertion, so re-inserting at every read keeps the oldest first.
  const entries = new Map<string, V>()
  let total = 0
  const drop = (key: string) => {
    const value = entries.get(key)
    if (value === undefined) return
    entries.delete(key)
    total -= sizeOf(key, value)
  }
  return {
    get(key) {
      const value = entries.get(key)
      if (value === undefined) return undefined
      entries.delete(key)
      entries.set(key, value)
      return value
    },
    has: key => entries.has(key),
    set(key, value) {
      drop(key)
      entries.set(key, value)
      total += sizeOf(key, value)
      for (const oldest of entries.keys()) {
        if (total <= capacity) break
        drop(oldest)
      }
    },
    clear() {
      entries.clear()
      total = 0
    },
  }
}
