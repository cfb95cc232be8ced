import { answer, deleteDatabase, openDatabase, read, write } from '@keepwell/adapters/catalog/indexeddb'
import type { Session } from '@keepwell/sdk/actions/context'
import type { OpenPlea } from '@keepwell/sdk/actions/guardians/plead'
import { equal } from '@keepwell/sdk/base/bytes'
import { decode, encode } from '@keepwell/sdk/base/cbor'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { decodeAs, nullable, object } from '@keepwell/sdk/base/shape'
import { kemKeyPair } from '@keepwell/sdk/crypto/kem'
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
import { recipientId, sealedKeyring } from '@keepwell/sdk/identity/sealed-keyring'
import { signed } from '@keepwell/sdk/identity/signed'
import { plea } from '@keepwell/sdk/wire/guardians'
import type { LockCard } from '#rpc/devices.ts'
import type { Limits } from '#rpc/limits.ts'
import type { Unlock, VaultCard } from '#rpc/views.ts'
import { clock, random, unlessFull } from './platform.ts'
import { limitsFrom } from './presence.ts'
import { NO_TRIES, oneMore, type Tries, waitUntil } from './tries.ts'

/** The device key, sealed under one way of opening it. */
type Lock = { readonly kind: Unlock['kind']; readonly device: Uint8Array }

/**
 * What this browser keeps of its vaults: the device key under each of its locks, the sealed keyring as last seen, and the name to choose
 * by. Nothing here opens anything without the passphrase or a passkey.
 */
type Kept = {
  readonly did: string
  readonly name: string
  readonly locks: readonly Lock[]
  readonly tries: Tries
  readonly keyring: Uint8Array
  /** Absent while its owner chose none. */
  readonly limits?: Limits
  /** No vault yet: the plea of somebody who lost theirs, whose seed the locks open. */
  readonly plea?: Uint8Array
}

const keyringFile = object({ sealed: sealedKeyring, head: nullable(signed) })
/** As the first version kept it: one lock, and no count of wrong passphrases. */
type First = Omit<Kept, 'locks' | 'tries'> & Lock

const asKept = (row: Kept | First): Kept => {
  if ('locks' in row) return row
  const { kind, device, ...rest } = row
  return { ...rest, locks: [{ kind, device }], tries: NO_TRIES }
}

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

export const copiesName = (did: string): string => `${catalogName(did)}/copies`
export const outboxName = (did: string): string => `${catalogName(did)}/outbox`
export const catalogName = (did: string): string => `keepwell/${did.replaceAll(':', '-')}`

const cardOf = ({ kind, device }: Lock): LockCard => {
  if (kind === 'passphrase') return { kind }
  const { credential, salt } = decodeAs(passkeyFile, device)
  return { kind, credential, salt }
}

/** The vaults to choose from, by name. */
export const keptVaults = (): Promise<VaultCard[]> => cards(kept => !kept.plea)

/** Recoveries that were begun in this browser. */
export const keptPleas = (): Promise<VaultCard[]> => cards(kept => kept.plea !== undefined)

async function cards(which: (kept: Kept) => boolean): Promise<VaultCard[]> {
  const all = await withShelf(db => read(db, STORE, s => s.getAll() as IDBRequest<(Kept | First)[]>))
  return all
    .map(asKept)
    .filter(which)
    .map(({ did, name, locks, tries }): VaultCard => ({ did, name, locks: locks.map(cardOf), waitUntil: waitUntil(tries, clock()) }))
    .sort((a, b) => a.name.localeCompare(b.name))
}

/** Keeps a plea: its seed as a device's key, under what shall open the record once it is back. */
export async function keepPlea({ seed, plea: made }: OpenPlea, unlock: Unlock): Promise<void> {
  const { did, name } = made
  const { public: publicKey } = await kemKeyPair(seed)
  const device = { id: recipientId(publicKey), vault: did, name, secret: seed, public: publicKey }
  const kept: Kept = { did, name, locks: [await lockOf(device, unlock)], tries: NO_TRIES, keyring: new Uint8Array(), plea: encode(made) }
  await withShelf(db => write(db, [STORE], store => void store(STORE).put(kept)))
}

/** Throws as `openKept` does. */
export async function openPlea(did: string, unlock: Unlock): Promise<OpenPlea> {
  const kept = await wanted(did)
  ensure(kept.plea, 'NOT_FOUND', 'No recovery was begun here.')
  return { seed: (await deviceOf(kept, unlock)).secret, plea: decodeAs(plea, kept.plea) }
}

export const forgetPlea = (did: string): Promise<void> => withShelf(db => write(db, [STORE], store => void store(STORE).delete(did)))

export async function keepVault(session: Session, unlock: Unlock): Promise<void> {
  const { device, state } = session
  const kept: Kept = {
    did: state.ring.did,
    name: state.ring.name,
    locks: [await lockOf(device, unlock)],
    tries: NO_TRIES,
    keyring: encode({ sealed: state.sealed, head: state.head }),
  }
  await withShelf(db => write(db, [STORE], store => void store(STORE).put(kept)))
}

/** Throws WEAK_PASSPHRASE. The list of common passphrases is loaded when a new one is chosen, and only then. */
export async function refuseWeak(unlock: Unlock): Promise<void> {
  if (unlock.kind !== 'passphrase') return
  const { refuseGuessable } = await import('@keepwell/adapters/passphrase/guessable')
  refuseGuessable(unlock.passphrase)
}

async function lockOf(device: Device, unlock: Unlock): Promise<Lock> {
  await refuseWeak(unlock)
  return { kind: unlock.kind, device: await sealedDevice(device, unlock) }
}

const sealedDevice = async (device: Device, unlock: Unlock): Promise<Uint8Array> =>
  unlock.kind === 'passphrase'
    ? encodeDevice(await sealDevice(device, unlock.passphrase, DEFAULT_COST, random))
    : encode(await sealToPasskey(device, unlock, random))

/** Changes what is kept of a vault in one step, so that two tabs do not undo each other; null when it is not kept here any more. */
const change = (did: string, next: (kept: Kept) => Kept): Promise<Kept | null> =>
  withShelf(async db => {
    const store = db.transaction(STORE, 'readwrite', { durability: 'strict' }).objectStore(STORE)
    const row = (await answer(store.get(did))) as Kept | First | undefined
    if (!row) return null
    const kept = asKept(row)
    await answer(store.put(next(kept)))
    return kept
  })

/** Remembers the newest keyring this device has seen, so that a relay cannot serve an older one later. */
export async function keepState(session: Session): Promise<void> {
  const { did, version } = session.state.ring
  const keyring = encode({ sealed: session.state.sealed, head: session.state.head })
  await change(did, kept => (versionOf(kept.keyring) > version ? kept : { ...kept, keyring }))
}

const versionOf = (keyring: Uint8Array): number => (decode(keyring) as { sealed: { version: number } }).sealed.version

const wanted = async (did: string): Promise<Kept> => {
  const row = (await withShelf(db => read(db, STORE, s => s.get(did)))) as Kept | First | undefined
  if (!row) throw new KeepwellError('NOT_FOUND', 'This browser keeps no such record any more.')
  return asKept(row)
}

/** Opens a kept vault with what the person gave. Throws WRONG_PASSPHRASE, NO_KEY, RATE_LIMITED while it is to be waited. */
export async function openKept(did: string, unlock: Unlock): Promise<Session> {
  const kept = await wanted(did)
  const device = await deviceOf(kept, unlock)
  const { sealed, head } = decodeAs(keyringFile, kept.keyring)
  return { device, state: { ring: await openKeyring(sealed, device), sealed, head } }
}

const deviceOf = (kept: Kept, unlock: Unlock): Promise<Device> =>
  unlock.kind === 'passphrase' ? openWithPassphrase(kept, unlock.passphrase) : openWithPasskey(kept, unlock)

async function openWithPassphrase({ did, locks, tries }: Kept, passphrase: string): Promise<Device> {
  const lock = locks.find(l => l.kind === 'passphrase')
  ensure(lock, 'NO_KEY', 'No passphrase opens this record here.')
  ensure(waitUntil(tries, clock()) === 0, 'RATE_LIMITED', 'Too many wrong passphrases; wait a while.')
  await change(did, kept => ({ ...kept, tries: oneMore(kept.tries, clock()) })).catch(unlessFull)
  const device = await openDevice(decodeDevice(lock.device), passphrase)
  await change(did, kept => ({ ...kept, tries: NO_TRIES })).catch(unlessFull)
  return device
}

async function openWithPasskey({ locks }: Kept, { credential, secret }: Extract<Unlock, { kind: 'passkey' }>): Promise<Device> {
  const files = locks.filter(l => l.kind === 'passkey').map(l => decodeAs(passkeyFile, l.device))
  const file = files.find(f => equal(f.credential, credential))
  ensure(file, 'NO_KEY', 'This passkey does not open this record.')
  return openByPasskey(file, secret)
}

export const limitsOf = async (did: string): Promise<Limits> => limitsFrom((await wanted(did)).limits)
export const keepLimits = async (did: string, limits: Limits): Promise<void> => void (await change(did, kept => ({ ...kept, limits })))

export const locksOf = async (did: string): Promise<LockCard[]> => (await wanted(did)).locks.map(cardOf)

/** Adds a way of opening; there is one passphrase at most, so a new one takes the place of the old. */
export async function addLock(device: Device, unlock: Unlock): Promise<void> {
  const lock = await lockOf(device, unlock)
  await change(device.vault, kept => ({
    ...kept,
    locks: [...kept.locks.filter(l => lock.kind === 'passkey' || l.kind !== 'passphrase'), lock],
  }))
}

/** Takes a way of opening away; the last one stays. */
export async function removeLock(did: string, at: number): Promise<void> {
  await change(did, kept => {
    ensure(kept.locks.length > 1 && at in kept.locks, 'BAD_INPUT', 'The last way of opening a record stays.')
    return { ...kept, locks: kept.locks.filter((_, i) => i !== at) }
  })
}

/** Removes everything this browser keeps of a vault. */
export async function forgetVault(did: string): Promise<void> {
  await withShelf(db => write(db, [STORE], store => void store(STORE).delete(did)))
  for (const name of [catalogName(did), copiesName(did), outboxName(did)]) await deleteDatabase(name)
}
