import { ADDRESSES } from '#shell/routes.tsx'

/** Whether `#/a/b` is an address such as `a/:`; what is more precise counts as itself alone. */
function leads(address: string, hash: string): boolean {
  const [wanted, given] = [address, hash.replace(/^#\/|[?].*$/g, '')].map(p => p.split('/')) as [string[], string[]]
  const exact = ADDRESSES.includes(given.join('/'))
  if (exact) return given.join('/') === address
  return wanted.at(-1) === ':' && wanted.length <= given.length && wanted.every((w, i) => w === ':' || w === given[i])
}

/** Addresses that the router knows and nobody went to, but for those that another journey looks at: by the address, which one. */
export function notLookedAt(hashes: readonly string[], elsewhere: Readonly<Record<string, string>>): string[] {
  const unknown = Object.keys(elsewhere).filter(a => !ADDRESSES.includes(a))
  const missed = ADDRESSES.filter(a => !Object.hasOwn(elsewhere, a) && !hashes.some(h => leads(a, h)))
  return [...unknown, ...missed]
}
