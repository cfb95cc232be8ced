import { ensure } from '@keepwell/sdk/base/error'
import { jsonAs, list, string } from '@keepwell/sdk/base/shape'

/** Ids of vaults, the one in front first. */
const persons = list(list(string(20, /^[0-9a-f]{20}$/), 16), 100_000)

/**
 * Which vaults are one person's, as the organisation found: each a list of ids (`GivingVault.id`), the one in front first. Each vault still gives
 * its own consents, lies at its own relay, and gets the receipts of what is opened of it.
 */
export type Persons = readonly (readonly string[])[]

export const NO_PERSONS: Persons = []

/** Throws BAD_INPUT for a file that is none, and for a vault that would be two persons'. */
export function readPersons(bytes: Uint8Array | null): Persons {
  if (!bytes) return NO_PERSONS
  const found = jsonAs(persons, bytes, 'persons')
  const all = found.flat()
  ensure(new Set(all).size === all.length, 'BAD_INPUT', 'A record stands twice in the list of persons.')
  return found
}

export const writePersons = (found: Persons): string => JSON.stringify(found, null, 2)

/** With the second vault behind the first, and with all that either was linked with. */
export function linked(found: Persons, first: string, second: string): Persons {
  const of = (id: string): readonly string[] => found.find(p => p.includes(id)) ?? [id]
  const together = [...new Set([...of(first), ...of(second)])]
  return [...found.filter(p => !p.includes(first) && !p.includes(second)), together]
}

/** With a vault by itself again. */
export const parted = (found: Persons, id: string): Persons => found.map(p => p.filter(other => other !== id)).filter(p => p.length > 1)

/** Vaults that are in other company than before. */
export function moved(before: Persons, now: Persons): string[] {
  const company = (found: Persons, id: string): string => found.find(p => p.includes(id))?.join() ?? id
  return [...new Set([...before.flat(), ...now.flat()])].filter(id => company(before, id) !== company(now, id))
}
