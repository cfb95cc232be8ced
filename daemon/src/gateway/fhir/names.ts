import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { loadNames, type NameOf, withNames } from '@keepwell/sdk/health/terminology/names'
import type { Terminology } from '@keepwell/sdk/ports/terminology'

/** Codes that one summary asks a terminology about, and how many at a time. */
const MAX_CODES = 1000
const TOGETHER = 16

/**
 * What codes of these resources are called that came without a name: by the table that ships, and beyond it by the organisation's terminology.
 * One that does not answer leaves them without.
 */
export async function namesFor(terms: Terminology | null, resources: readonly JsonObject[]): Promise<NameOf> {
  const shipped = await loadNames()
  const keyOf = (system: string, code: string): string => `${system} ${code}`
  const open = new Map<string, { readonly system: string; readonly code: string }>()
  const asked: NameOf = (system, code) => {
    const found = shipped(system, code)
    if (!found && open.size < MAX_CODES) open.set(keyOf(system, code), { system, code })
    return found
  }
  if (!terms) return shipped
  for (const resource of resources) withNames(resource, asked)
  const told = new Map<string, string>()
  const all = [...open]
  try {
    for (let at = 0; at < all.length; at += TOGETHER)
      await Promise.all(
        all.slice(at, at + TOGETHER).map(async ([key, coding]) => {
          const display = (await terms.lookup(coding))?.display
          if (display) told.set(key, display)
        }),
      )
  } catch (e) {
    if (!isKeepwellError(e)) throw e
  }
  return (system, code) => shipped(system, code) ?? told.get(keyOf(system, code))
}
