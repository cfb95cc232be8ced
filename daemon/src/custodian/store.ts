import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import { fromBase64Url, toBase64Url, toHex } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { bytes, decodeAs, int, list, nullable, object, optional, type Shape, string } from '@keepwell/sdk/base/shape'
import { bellList } from '@keepwell/sdk/identity/bell'
import { did } from '@keepwell/sdk/identity/did'
import { custody, emergencyContact } from '@keepwell/sdk/identity/emergency'
import { MAX_BELLS, MAX_WAKES, wakeDevice } from '@keepwell/sdk/identity/wake'
import type { CustodyStore, KeptWakes } from '@keepwell/sdk/ports/custody'

const release = object({
  tag: bytes(32),
  vault: did,
  requester: did,
  name: string(200),
  role: string(8),
  reason: string(1000),
  at: int(),
  untold: list(nullable(emergencyContact), 17),
  unwoken: optional(list(bytes(16), MAX_WAKES)),
  unrung: optional(list(did, MAX_BELLS)),
  unwritten: optional(list(did, MAX_BELLS)),
  toldAfter: nullable(int()),
})
const keptWakes = object({
  v: int(1, 1),
  vault: did,
  version: int(1),
  devices: list(wakeDevice, MAX_WAKES),
  gone: list(bytes(16), 256),
})

const packed = (value: unknown): string => toBase64Url(encode(value))
const unpacked = <T>(shape: Shape<T>, text: string): T => decodeAs(shape, fromBase64Url(text))

/**
 * A custodian's own store over sealed rows: one share for each vault, for a vault's name is the row's, and the outbox of notices. Whoever
 * reads the file without the home's key learns how many vaults there are.
 */
export function openCustody(tokens: Pick<Tokens, 'get' | 'byAlias' | 'list' | 'put' | 'change'>): CustodyStore {
  const ofVault: CustodyStore['ofVault'] = async vault => {
    const found = await tokens.get<string>('share', vault)
    return found ? unpacked(custody, found.value) : null
  }
  const bells: CustodyStore['bells'] = async vault => {
    const found = await tokens.get<string>('bells', vault)
    return found ? unpacked(bellList, found.value) : null
  }
  return {
    ofVault,
    async ofCard(card) {
      const found = await tokens.byAlias<string>('share', card)
      return found ? unpacked(custody, found.value) : null
    },
    vaults: async () => (await tokens.list<string>('share')).map(text => unpacked(custody, text).vault),
    async keep(share) {
      const before = await ofVault(share.vault)
      if (before && before.version >= share.version) return false
      await tokens.put('share', share.vault, packed(share), { alias: share.card })
      return true
    },
    async release(tag) {
      const found = await tokens.get<string>('release', toHex(tag))
      return found ? unpacked(release, found.value) : null
    },
    releases: async () => (await tokens.list<string>('release')).map(text => unpacked(release, text)),
    note: r => tokens.put('release', toHex(r.tag), packed(r)),
    async wakes(vault) {
      const found = await tokens.get<string>('wakes', vault)
      return found ? unpacked(keptWakes, found.value) : null
    },
    bells,
    async keepBells(given) {
      if (((await bells(given.vault))?.version ?? 0) >= given.version) return false
      await tokens.put('bells', given.vault, packed(given))
      return true
    },
    async changeWakes(vault, change) {
      let after: KeptWakes | null = null
      await tokens.change<string>('wakes', vault, before => {
        after = change(before === null ? null : unpacked(keptWakes, before))
        return after && packed(after)
      })
      return after
    },
  }
}
