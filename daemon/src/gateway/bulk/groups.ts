import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import { type RandomBytes, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'

/** Patients that the operator put together, by logical id, whether their consents live or not. */
export type PatientGroup = { readonly id: string; readonly name: string; readonly members: readonly string[] }

export type Groups = {
  list(): Promise<PatientGroup[]>
  get(id: string): Promise<PatientGroup | null>
  /** Throws BAD_INPUT. */
  add(name: string): Promise<PatientGroup>
  /** Changes who is in it. Throws NOT_FOUND. */
  change(id: string, members: (before: readonly string[]) => readonly string[]): Promise<PatientGroup>
  remove(id: string): Promise<void>
  close(): Promise<void>
}

const KIND = 'group'
const MOST_MEMBERS = 1_000_000

/** Groups in one file of the home, names hashed and rows sealed; command and gateway share it. */
export function openGroups(input: {
  readonly file: string
  readonly key: Uint8Array
  readonly random: RandomBytes
  readonly clock: () => number
}): Groups {
  const tokens = openTokens(input)
  return {
    list: async () => (await tokens.list<PatientGroup>(KIND)).sort((a, b) => (a.name < b.name ? -1 : 1)),
    get: async id => (await tokens.get<PatientGroup>(KIND, id))?.value ?? null,
    async add(name) {
      ensure(name.trim() !== '' && name.length <= 120, 'BAD_INPUT', 'A group has a name of 1 to 120 characters.')
      const made: PatientGroup = { id: `g-${toHex(input.random(6))}`, name: name.trim(), members: [] }
      await tokens.put(KIND, made.id, made)
      return made
    },
    async change(id, members) {
      const changed = await tokens.change<PatientGroup>(KIND, id, group => {
        if (!group) return null
        const after = [...new Set(members(group.members))].sort()
        ensure(after.length <= MOST_MEMBERS, 'BAD_INPUT', 'A group has a million members at most.')
        return { ...group, members: after }
      })
      ensure(changed, 'NOT_FOUND', 'There is no such group.')
      return changed
    },
    remove: id => tokens.drop(KIND, id),
    close: () => tokens.close(),
  }
}
