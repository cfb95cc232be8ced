/** Labels under which registries let others register: `example.co.uk` and `other.co.uk` are two houses. */
const SHARED = new Set(['ac', 'co', 'com', 'edu', 'gov', 'gv', 'net', 'nhs', 'nic', 'or', 'org'])

/**
 * The part of a host that is most likely one organisation's: the address itself, else its last two labels, or three under a label that
 * registries share out. Good enough for a warning; the public suffix list would know more.
 */
function houseOf(url: string): string {
  const { hostname } = new URL(url)
  if (/^[\d.]+$|:/.test(hostname)) return hostname
  const labels = hostname.split('.')
  return labels.slice(SHARED.has(labels.at(-2) ?? '') && labels.length > 2 ? -3 : -2).join('.')
}

/** Pairs of custodians' addresses that look like one organisation's, which would then hold two shares. Names that are no addresses are skipped. */
export function sharedHosts(urls: readonly string[]): (readonly [string, string])[] {
  const known = urls.filter(url => URL.canParse(url))
  return known.flatMap((a, i) => known.slice(i + 1).flatMap(b => (houseOf(a) === houseOf(b) ? [[a, b] as const] : [])))
}
