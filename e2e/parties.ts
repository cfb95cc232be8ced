import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { openSqliteCatalog } from '@keepwell/adapters/catalog/sqlite'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { systemClock, systemRandom } from '@keepwell/daemon/bin/relay'
import type { Ctx, Session } from '@keepwell/sdk/actions/context'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { restoreVault } from '@keepwell/sdk/actions/vault/restore-vault'

/** Somebody with a vault: the powers of every verb, the words, and a folder with the catalog. */
export type Party = Ctx & { readonly words: string; readonly name: string; readonly folder: string }

export type Parties = {
  /** A person or an organisation with a vault at the relay of that URL. */
  make(name: string, relay: string): Promise<Party>
  /** An empty machine that has nothing but the words. */
  restored(from: Pick<Party, 'words' | 'name'>, relay: string): Promise<Party>
  close(): Promise<void>
}

type Base = Pick<Ctx, 'clock' | 'random' | 'network'>

/** Parties that reach relays and ledgers by HTTP alone, with their catalogs in folders below `dir`. */
export function openParties(dir: string, clock: () => number = systemClock): Parties {
  const opened = new AsyncDisposableStack()
  const network = openNetwork()
  async function open(name: string, start: (base: Base) => Promise<{ session: Session; words: string }>): Promise<Party> {
    const base = { clock, random: systemRandom, network }
    const { session, words } = await start(base)
    const folder = await mkdtemp(join(dir, 'party-'))
    const catalog = await openSqliteCatalog({ file: join(folder, 'catalog.sqlite') })
    opened.defer(() => catalog.close())
    return { ...base, catalog, name, folder, session, words }
  }
  return {
    make: (name, relay) => open(name, base => createVault(base, { name, relay, deviceName: 'laptop' })),
    restored: ({ name, words }, relay) =>
      open(name, async base => ({ words, session: await restoreVault(base, { words, relay, deviceName: 'new machine' }) })),
    close: () => opened.disposeAsync(),
  }
}
