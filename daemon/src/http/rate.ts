/** `burst` at once, then `perSecond` for ever. */
export type Rate = { readonly perSecond: number; readonly burst: number }

export type RateLimiter = {
  /** Takes `cost` tokens, or none when there are too few: 0 when taken, else the seconds until there are enough. */
  take(key: string, cost?: number): number
  /** Seconds until a token is there; takes nothing. */
  wait(key: string): number
}

type Bucket = { tokens: number; at: number; used: boolean }

/**
 * Token buckets by key. Beyond `maxKeys` one that was not used lately is forgotten for each new one, so that a flood of new keys costs bounded
 * memory. `now` in milliseconds.
 */
export function rateLimiter(rate: Rate, now: () => number, maxKeys = 20_000): RateLimiter {
  const buckets = new Map<string, Bucket>()

  const tokensNow = (bucket: Bucket | undefined, time: number): number =>
    bucket ? Math.min(rate.burst, bucket.tokens + ((time - bucket.at) / 1000) * rate.perSecond) : rate.burst

  // A key that changed its place at each use would make V8 build the map anew every few uses, in the part of memory that is dear to clean. So
  // only its use is noted, and who is looked at for room and was used gets a second chance.
  function makeRoom(): void {
    for (const [key, bucket] of buckets) {
      if (buckets.size < maxKeys) return
      buckets.delete(key)
      if (bucket.used) buckets.set(key, { ...bucket, used: false })
    }
  }

  const missing = (tokens: number, cost: number) => (tokens >= cost ? 0 : Math.ceil((cost - tokens) / rate.perSecond))

  return {
    take(key, cost = 1) {
      const time = now()
      const known = buckets.get(key)
      const tokens = tokensNow(known, time)
      const wait = missing(tokens, cost)
      const left = wait === 0 ? tokens - cost : tokens
      if (known) Object.assign(known, { tokens: left, at: time, used: true })
      else {
        makeRoom()
        buckets.set(key, { tokens: left, at: time, used: false })
      }
      return wait
    },
    wait: key => missing(tokensNow(buckets.get(key), now()), 1),
  }
}

/** A rate-limit key for an address: IPv4 as it is, IPv6 by its /64, which is what one customer gets. */
export function addressKey(address: string | undefined): string {
  if (!address) return 'none'
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/.exec(address)
  if (v4) return v4[1]!
  return expand(address).slice(0, 4).join(':')
}

function expand(address: string): string[] {
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const before = head ? head.split(':') : []
  const after = tail ? tail.split(':') : []
  return tail === undefined ? before : [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after]
}
