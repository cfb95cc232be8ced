import { answer, deleteDatabase, openDatabase, read, write } from '@keepwell/adapters/catalog/indexeddb'
import type { Session } from '@keepwell/sdk/actions/context'
import { decode, encode } from '@keepwell/sdk/base/cbor'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { decodeAs, nullable, object } from '@keepwell/sdk/base/shape'
import {
  DEFAULT_COST,
  type Device,
  decodeDevice,
  encodeDevice,
  openByPasskey,
  openDevice,
  passkeyFile,
  sealDevice,
  sealToPasskey,
} from '@keepwell/sdk/identity/device'
import { openKeyring } from '@keepwell/sdk/identity/keyring'
import { sealedKeyring } from '@keepwell/sdk/identity/sealed-keyring'
import { signed } from '@keepwell/sdk/identity/signed'
import type { Unlock, VaultCard } from '#rpc/views.ts'
import { random } from './platform.ts'

/**
 * What this browser keeps of its vaults: the sealed device key, the sealed keyring as last seen, and the name to choose by. Nothing here
 * opens anything without the passphrase or the passkey.
 */
type Kept = {
  readonly did: string
  readonly name: string
  readonly kind: Unlock['kind']
  readonly device: Uint8Array
  readonly keyring: Uint8Array
}

const keyringFile = object({ sealed: sealedKeyring, head: nullable(signed) })
const STORE = 'vaults'

const shelf = (): Promise<IDBDatabase> => openDatabase('keepwell', db => db.createObjectStore(STORE, { keyPath: 'did' }))

async function withShelf<T>(work: (db: IDBDatabase) => Promise<T>): Promise<T> {
  const db = await shelf()
  try {
    return await work(db)
  } finally {
    db.close()
  }
}

export const catalogName = (did: string): string => `keepwell/${did.replaceAll(':', '-')}`

/** The vaults to choose from, by name. */
export async function keptVaults(): Promise<VaultCard[]> {
  const all = await withShelf(db => read(db, STORE, s => s.getAll() as IDBRequest<Kept[]>))
  return all
    .map(({ did, name, kind, device }): VaultCard => {
      if (kind === 'passphrase') return { did, name, lock: { kind } }
      const { credential, salt } = decodeAs(passkeyFile, device)
      return { did, name, lock: { kind, credential, salt } }
    })
    .sort((a, b) => a.name.localeCompare(b.name))
}

export async function keepVault(session: Session, unlock: Unlock): Promise<void> {
  const { device, state } = session
  const kept: Kept = {
    did: state.ring.did,
    name: state.ring.name,
    kind: unlock.kind,
    device: await sealedDevice(device, unlock),
    keyring: encode({ sealed: state.sealed, head: state.head }),
  }
  await withShelf(db => write(db, [STORE], store => void store(STORE).put(kept)))
}

const sealedDevice = async (device: Device, unlock: Unlock): Promise<Uint8Array> =>
  unlock.kind === 'passphrase'
    ? encodeDevice(await sealDevice(device, unlock.passphrase, DEFAULT_COST, random))
    : encode(await sealToPasskey(device, unlock, random))

/** Remembers the newest keyring this device has seen, so that a relay cannot serve an older one later. */
export async function keepState(session: Session): Promise<void> {
  const { did } = session.state.ring
  const keyring = encode({ sealed: session.state.sealed, head: session.state.head })
  await withShelf(async db => {
    const transaction = db.transaction(STORE, 'readwrite', { durability: 'strict' })
    const store = transaction.objectStore(STORE)
    const kept = (await answer(store.get(did))) as Kept | undefined
    if (!kept || versionOf(kept.keyring) > session.state.ring.version) return
    await answer(store.put({ ...kept, keyring }))
  })
}

const versionOf = (keyring: Uint8Array): number => (decode(keyring) as { sealed: { version: number } }).sealed.version

/** Opens a kept vault with what the person gave. Throws WRONG_PASSPHRASE, NO_KEY. */
export async function openKept(did: string, unlock: Unlock): Promise<Session> {
  const kept = (await withShelf(db => read(db, STORE, s => s.get(did)))) as Kept | undefined
  if (!kept) throw new KeepwellError('NOT_FOUND', 'This browser keeps no such record any more.')
  const device =
    unlock.kind === 'passphrase'
      ? await openDevice(decodeDevice(kept.device), unlock.passphrase)
      : await openByPasskey(decodeAs(passkeyFile, kept.device), unlock.secret)
  const { sealed, head } = decodeAs(keyringFile, kept.keyring)
  return { device, state: { ring: await openKeyring(sealed, device), sealed, head } }
}

/** Removes everything this browser keeps of a vault. */
export async function forgetVault(did: string): Promise<void> {
  await withShelf(db => write(db, [STORE], store => void store(STORE).delete(did)))
  await deleteDatabase(catalogName(did))
}
