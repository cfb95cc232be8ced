import type { Session } from '@keepwell/sdk/actions/context'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { burnTokens } from '@keepwell/sdk/actions/records/mint-milestone'
import { ownBundle } from '@keepwell/sdk/actions/vault/calls'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { removeDevice } from '@keepwell/sdk/actions/vault/devices'
import { restoreVault } from '@keepwell/sdk/actions/vault/restore-vault'
import { equal, fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { personName } from '@keepwell/sdk/health/fhir/facts'
import { bundleMessage, fingerprint } from '@keepwell/sdk/identity/bundle'
import { peek } from '@keepwell/sdk/identity/signed'
import { samplePatient } from '@keepwell/sdk/sample/patient'
import type { Handlers } from '#rpc/rpc.ts'
import type { DeviceView, Erased, Me, NewShare, Query, Unlock } from '#rpc/views.ts'
import { type NamedFile, sampleItems, takeFiles, takeIn } from './intake.ts'
import { compartmentCounts, overview } from './overview.ts'
import { openPlace, relayName } from './place.ts'
import { clock, random } from './platform.ts'
import { type Reading, startReading } from './reading.ts'
import { itemOf, openRecord, recordFile } from './record.ts'
import { dropRequest } from './requests.ts'
import { acceptInvitation, contacts, endShare, givenShares, makeInvitation, receivedShares, requests, share } from './sharing.ts'
import { forgetVault, keepVault, keptVaults, openKept } from './shelf.ts'
import { trail } from './trail.ts'
import { type OpenVault, openVault, type Tell } from './vault.ts'

type Fresh = { readonly name: string; readonly device: string; readonly unlock: Unlock }
type FromWords = Omit<Fresh, 'name'> & { readonly words: string }

/** What the worker holds: at most one open vault, a vault whose words are not checked yet, and at most one session in another's record. */
type State = { vault: OpenVault | null; fresh: { readonly session: Session; readonly unlock: Unlock } | null; reading: Reading | null }

/** Everything that the page can ask of the vault. Keys never leave; plaintext leaves only as views to be shown. */
export function vaultApi(origin: string, tell: Tell) {
  const state: State = { vault: null, fresh: null, reading: null }
  const open = (): OpenVault => {
    ensure(state.vault, 'LOCKED', 'The record is locked.')
    return state.vault
  }
  const enter = async (session: Session, sample = false): Promise<Me> => {
    state.vault = await openVault({ origin, session, sample, tell })
    return meOf(state.vault)
  }
  return { ...beginning(origin, state, enter), ...records(open), ...sharing(open, state), ...keeping(open) } satisfies Handlers
}
export type VaultApi = ReturnType<typeof vaultApi>

function meOf({ ctx, sample }: OpenVault): Me {
  const { ring } = ctx.session.state
  const bundle = peek(ownBundle(ring).signed, bundleMessage)
  return {
    did: ring.did,
    name: ring.name,
    fingerprint: fingerprint(bundle),
    relay: bundle.relays[0] ?? '',
    device: ctx.session.device.name,
    sample,
  }
}

type Enter = (session: Session, sample?: boolean) => Promise<Me>

const beginning = (origin: string, state: State, enter: Enter) => ({
  kept: async (_: null) => keptVaults(),
  /** Makes a vault; nothing stays in this browser until `confirm`, so that nobody has a record without having seen the words. */
  async create({ name, device, unlock }: Fresh): Promise<{ words: readonly string[] }> {
    const relay = await relayName(origin)
    const parts = { clock, random, network: openPlace(origin, relay) }
    const made = await createVault(parts, { name, relay, deviceName: device })
    state.fresh = { session: made.session, unlock }
    return { words: made.words.split(' ') }
  },
  async confirm(_: null): Promise<Me> {
    ensure(state.fresh, 'NOT_FOUND', 'There is no new record here; begin again.')
    const { session, unlock } = state.fresh
    await keepVault(session, unlock)
    state.fresh = null
    return enter(session)
  },
  async restore({ words, device, unlock }: FromWords): Promise<Me> {
    const relay = await relayName(origin)
    const session = await restoreVault({ clock, random, network: openPlace(origin, relay) }, { words, relay, deviceName: device })
    await keepVault(session, unlock)
    return enter(session)
  },
  unlock: async ({ did, unlock }: { readonly did: string; readonly unlock: Unlock }): Promise<Me> => enter(await openKept(did, unlock)),
  /** A made-up person in memory alone: gone when locked. */
  async sample(_: null, call: { readonly signal: AbortSignal; readonly progress: (p: unknown) => void }): Promise<Me> {
    const relay = await relayName(origin)
    const name = personName(samplePatient('keepwell-sample', { resources: 1, now: clock() }).next().value?.name) ?? 'Sample'
    const made = await createVault({ clock, random, network: openPlace(origin, relay) }, { name, relay, deviceName: 'sample' })
    const me = await enter(made.session, true)
    await takeIn(state.vault!, { ...call, items: sampleItems() })
    return me
  },
})

const records = (open: () => OpenVault) => ({
  sync: async (_: null) => open().sync(),
  async overview(_: null) {
    const vault = open()
    const shares = givenShares(vault).filter(s => s.state === 'live').length
    const names = vault.ctx.session.state.ring.compartments.map(c => c.name)
    return overview(vault.entries, { shares, requests: (await requests(vault)).length, names })
  },
  find: async (query: Query) => open().finder.find(query),
  window: async ({ token, from, to }: { readonly token: number; readonly from: number; readonly to: number }) =>
    open().finder.window(token, from, to),
  compartments: async (_: null) =>
    compartmentCounts(
      open().entries,
      open().ctx.session.state.ring.compartments.map(c => c.name),
    ),
  record: async (id: string) => openRecord(open(), id),
  /** Since when a record is on the ledger; asked again as proofs come in, without opening the record again. */
  anchored: async (id: string) => itemOf(open(), id).entry.anchoredAt ?? null,
  file: async (id: string) => recordFile(open(), id),
  take: async (files: readonly NamedFile[], call: { readonly signal: AbortSignal; readonly progress: (p: unknown) => void }) =>
    takeFiles(open(), files, call),
  async erase(id: string): Promise<Erased> {
    const vault = open()
    const { entry } = itemOf(vault, id)
    const [receipt] = await vault.run(async ctx => {
      await burnTokens(ctx, [entry])
      return (await eraseRecords(ctx, [entry.id])).receipts
    })
    await vault.filed()
    ensure(receipt, 'NO_RECEIPT', 'The relay gave no deletion receipt.')
    return { at: receipt.at, relay: receipt.relay }
  },
})

const sharing = (open: () => OpenVault, state: State) => ({
  contacts: async (_: null) => contacts(open()),
  shares: async (_: null) => ({ given: givenShares(open()), received: receivedShares(open()) }),
  requests: async (_: null) => requests(open()),
  decline: async (id: string) => open().run(ctx => dropRequest(ctx, id)),
  invite: async (name: string) => makeInvitation(open(), name),
  join: async (link: string) => acceptInvitation(open(), link),
  share: async (input: NewShare) => share(open(), input),
  endShare: async (id: string) => endShare(open(), id),
  async read(id: string) {
    state.reading?.close()
    state.reading = await startReading(open(), id)
    return state.reading.view
  },
  async readRecord(id: string) {
    if (!state.reading) throw new KeepwellError('NO_GRANT', 'The session is closed.')
    return state.reading.open(id)
  },
  async leave(_: null) {
    state.reading?.close()
    state.reading = null
  },
  trail: async (_: null) => trail(open()),
})

const keeping = (open: () => OpenVault) => ({
  async devices(_: null): Promise<DeviceView[]> {
    const { ring } = open().ctx.session.state
    const here = open().ctx.session.device.id
    return ring.devices.map(d => ({ id: toHex(d.id), name: d.name, since: d.addedAt, here: equal(d.id, here) }))
  },
  removeDevice: async (id: string) => void (await open().run(ctx => removeDevice(ctx, fromHex(id)))),
  /** Takes the record off this browser; where it is kept, and on other devices, it stays. */
  async forget(_: null): Promise<void> {
    const vault = open()
    const { ring } = vault.ctx.session.state
    const { device } = vault.ctx.session
    if (!vault.sample && ring.devices.length > 1) await vault.run(ctx => removeDevice(ctx, device.id))
    vault.close()
    await vault.ctx.catalog.close()
    if (!vault.sample) await forgetVault(ring.did)
  },
})
