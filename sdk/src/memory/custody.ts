import { toHex } from '#base/bytes'
import { KeepwellError } from '#base/error'
import type { BellList } from '#identity/bell'
import type { Custody } from '#identity/emergency'
import type { Custodian, CustodyStore, KeptWakes, Release } from '#ports/custody'

/** What a custodian keeps, in memory. */
export function memoryCustody(): CustodyStore {
  const shares = new Map<string, Custody>()
  const releases = new Map<string, Release>()
  const wakes = new Map<string, KeptWakes>()
  const bells = new Map<string, BellList>()
  return {
    ofVault: async vault => shares.get(vault) ?? null,
    ofCard: async card => [...shares.values()].find(s => s.card === card) ?? null,
    vaults: async () => [...shares.keys()],
    async keep(share) {
      const before = shares.get(share.vault)
      if (before && before.version >= share.version) return false
      shares.set(share.vault, share)
      return true
    },
    release: async tag => releases.get(toHex(tag)) ?? null,
    releases: async () => [...releases.values()],
    note: async release => void releases.set(toHex(release.tag), release),
    wakes: async vault => wakes.get(vault) ?? null,
    bells: async vault => bells.get(vault) ?? null,
    async keepBells(list) {
      if ((bells.get(list.vault)?.version ?? 0) >= list.version) return false
      bells.set(list.vault, list)
      return true
    },
    async changeWakes(vault, change) {
      const after = change(wakes.get(vault) ?? null)
      if (after) wakes.set(vault, after)
      else wakes.delete(vault)
      return after
    },
  }
}

/** Custodians in one process, by URL; one that is not listed is unreachable. */
export const memoryCustodians =
  (all: ReadonlyMap<string, Custodian>) =>
  (url: string): Custodian => {
    const absent = async (): Promise<never> => {
      throw new KeepwellError('RELAY_UNREACHABLE', `No custodian answers at ${url}.`)
    }
    return all.get(url) ?? { url, info: absent, release: absent, drill: absent }
  }
