/** `burst` at once, then `perSecond` for ever. */
export type Rate = { readonly perSecond: number; readonly burst: number }

export type RateLimiter = {
  /** Takes `cost` tokens, or none when there are too few: 0 when taken, else the seconds until there are enough. */
  take(key: string, cost?: number): number
  /** Seconds until a token is there; takes nothing. */
  wait(key: string): number
}

type Bucket = { tokens: number; at: number }

/**
 * Token buckets by key. Keys are forgotten when their bucket is full again, or, beyond `maxKeys`, in order of last use, so that a flood of
 * new keys costs bounded memory. `now` in milliseconds.
 */
export function rateLimiter(rate: Rate, now: () => number, maxKeys = 20_000): RateLimiter {
  const buckets = new Map<string, Bucket>()

  function filled(key: string): Bucket {
    const time = now()
    const known = buckets.get(key)
    if (!known) return { tokens: rate.burst, at: time }
    const tokens = Math.min(rate.burst, known.tokens + ((time - known.at) / 1000) * rate.perSecond)
    return { tokens, at: time }
  }

  function keep(key: string, bucket: Bucket): void {
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size > maxKeys) buckets.delete(buckets.keys().next().value!)
  }

  const missing = (bucket: Bucket, cost: number) => (bucket.tokens >= cost ? 0 : Math.ceil((cost - bucket.tokens) / rate.perSecond))

  return {
    take(key, cost = 1) {
      const bucket = filled(key)
      const wait = missing(bucket, cost)
      if (wait === 0) bucket.tokens -= cost
      keep(key, bucket)
      return wait
    },
    wait: key => missing(filled(key), 1),
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
