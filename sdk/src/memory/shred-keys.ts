import { wipe } from '#base/bytes'
import type { ShredKeys } from '#ports/envelopes'
import { checkShredKey } from '#ports/limits'

export function memoryShredKeys(): ShredKeys {
  const keys = new Map<string, Uint8Array>()
  const forget = (name: string): void => {
    const old = keys.get(name)
    if (old) wipe(old)
    keys.delete(name)
  }
  return {
    async get(name) {
      checkShredKey(name)
      return keys.get(name)?.slice() ?? null
    },
    async put(name, key) {
      checkShredKey(name, key)
      forget(name)
      keys.set(name, new Uint8Array(key))
    },
    async destroy(name) {
      checkShredKey(name)
      forget(name)
    },
  }
}
