import { tellEnds } from '@keepwell/sdk/actions/access/revoke'
import type { Session } from '@keepwell/sdk/actions/context'
import { limitsOf as rightsLimits } from '@keepwell/sdk/actions/rights/ring'
import { ownBundle } from '@keepwell/sdk/actions/vault/calls'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { restoreBackup } from '@keepwell/sdk/actions/vault/restore-backup'
import { restoreVault } from '@keepwell/sdk/actions/vault/restore-vault'
import { ensure } from '@keepwell/sdk/base/error'
import { personName } from '@keepwell/sdk/health/fhir/facts'
import { bundleMessage, fingerprint } from '@keepwell/sdk/identity/bundle'
import { recoveryOf, rootFromWords } from '@keepwell/sdk/identity/root'
import { peek } from '@keepwell/sdk/identity/signed'
import { samplePatient } from '@keepwell/sdk/sample/patient'
import type { Call, Handlers } from '#rpc/rpc.ts'
import type { SharingNews } from '#rpc/sharing.ts'
import type { Overview } from '#rpc/summary.ts'
import type { Me, Unlock } from '#rpc/views.ts'
import { attentionApi } from './attention-api.ts'
import { clinicianApi } from './clinician-api.ts'
import { devicesApi } from './devices-api.ts'
import { emergencyApi } from './emergency-api.ts'
import { entryApi } from './entry-api.ts'
import { readGlance } from './glance.ts'
import { guarded } from './guarded.ts'
import { guardiansApi } from './guardians-api.ts'
import { hospitalsApi } from './hospitals-api.ts'
import { imagesApi } from './images-api.ts'
import { sampleItems, takeIn } from './intake.ts'
import { joiningApi } from './joining-api.ts'
import { linksApi } from './links-api.ts'
import { offlineApi } from './offline-api.ts'
import { ownApi } from './own-api.ts'
import { openPlace, relayName } from './place.ts'
import { clock, every, moment, random } from './platform.ts'
import { pleadingApi } from './pleading-api.ts'
import { DEFAULT_LIMITS, type Presence, presence } from './presence.ts'
import { GRAVE, type Holding, presenceApi } from './presence-api.ts'
import { recordsApi } from './records-api.ts'
import { resultsApi } from './results-api.ts'
import { rightsApi } from './rights-api.ts'
import { rulesApi } from './rules-api.ts'
import { piecesOf } from './save.ts'
import type { OpenReading } from './session.ts'
import { sharingApi } from './sharing-api.ts'
import { keepVault, keptVaults, limitsOf, openKept, refuseWeak } from './shelf.ts'
import { summaryApi } from './summary-api.ts'
import { type OpenVault, openVault, type Tell } from './vault.ts'

type Fresh = { readonly name: string; readonly device: string; readonly unlock: Unlock }
type FromWords = Omit<Fresh, 'name'> & { readonly words: string }

/**
 * What the worker holds: at most one open vault, or one whose records are still being opened behind its last summary; a vault whose words
 * are not checked yet; and at most one session in another's record.
 */
type State = {
  vault: OpenVault | null
  opening: { readonly glance: Overview; readonly done: Promise<OpenVault> } | null
  fresh: { readonly session: Session; readonly unlock: Unlock } | null
  reading: OpenReading | null
  /** Of whoever opened the vault. */
  here: Presence | null
}

/** `stop` ends the worker, and with it every key and everything opened. */
type Place = { readonly origin: string; readonly tell: Tell; readonly stop: () => void }

/** Looks so often, in milliseconds, whether the record must close. */
const LOOK = 5000

/** Everything that the page can ask of the vault. Keys never leave; plaintext leaves only as views to be shown. */
export function vaultApi({ origin, tell, stop }: Place) {
  const state: State = { vault: null, opening: null, fresh: null, reading: null, here: null }
  const hear: Tell = (event, value) => {
    // A share that its owner ended takes the session under it along.
    if (event === 'sharing') state.reading?.check((value ?? []) as readonly SharingNews[])
    tell(event, value)
  }
  const open = (): OpenVault => {
    ensure(state.vault, 'LOCKED', 'The record is locked.')
    return state.vault
  }
  const here = (): Presence => {
    ensure(state.here, 'LOCKED', 'The record is locked.')
    return state.here
  }
  const closeIfOver = (): void => {
    const why = state.here?.over()
    if (!why) return
    state.reading?.end('ended')
    state.vault?.close()
    Object.assign(state, { vault: null, opening: null, reading: null, here: null })
    tell('closed', why)
    stop()
  }
  const enter = async (session: Session, sample = false): Promise<Me> => {
    // One record a worker: what was shown for one proves nothing for another.
    ensure(!state.vault, 'LOCKED', 'A record is open here already.')
    const opener = presence(moment, sample ? DEFAULT_LIMITS : await limitsOf(session.state.ring.did), !sample)
    every(LOOK, closeIfOver)
    const glance = sample ? null : await readGlance(session)
    const done = openVault({ origin, session, sample, tell: hear }).then(vault => {
      Object.assign(state, { vault, here: opener })
      return vault
    })
    if (!glance) await done
    else {
      state.opening = { glance, done }
      // Whoever waits for the vault hears of a failure; the summary is asked for anew once it is open.
      done.then(() => tell('records')).catch(() => {})
    }
    return meOf(session, sample)
  }
  const handlers = {
    ...beginning(origin, state, enter),
    ...joiningApi(origin, enter),
    ...pleadingApi(origin, enter),
    ...recordsApi(open),
    ...devicesApi(open),
    ...offlineApi(open),
    ...entryApi(open),
    ...summaryApi(open),
    ...sharingApi(open),
    ...linksApi(open, origin),
    ...hospitalsApi(open, origin),
    ...clinicianApi(open, state, hear),
    ...emergencyApi(open, state, hear),
    ...guardiansApi(open, hear),
    ...ownApi(open, hear),
    ...attentionApi(open),
    ...rightsApi(open, hear),
    ...rulesApi(open),
    ...imagesApi(open),
    ...resultsApi(open),
    ...presenceApi(open, here),
  } satisfies Handlers
  const grave = GRAVE satisfies { readonly [N in keyof typeof GRAVE]: N extends keyof typeof handlers ? unknown : never }
  const holding = (): Holding | null =>
    state.here && state.vault && { lock: state.here.limits(), limits: rightsLimits(state.vault.ctx.session.state.ring)?.limits ?? null }
  const ready = guarded({ state, closeIfOver, grave, holding, handlers })
  // Until the records are open the summary is the last one; should they not open, it is not what is shown.
  const glance = async (): Promise<Overview | null> =>
    state.vault || !state.opening ? null : Promise.race([state.opening.done.then(() => null), state.opening.glance])
  return { ...ready, overview: async (input: null) => (await glance()) ?? ready.overview(input) } satisfies Handlers
}

export type VaultApi = ReturnType<typeof vaultApi>

function meOf({ state: { ring }, device }: Session, sample: boolean): Me {
  const bundle = peek(ownBundle(ring).signed, bundleMessage)
  return {
    did: ring.did,
    name: ring.name,
    fingerprint: fingerprint(bundle),
    relay: bundle.relays[0] ?? '',
    device: device.name,
    sample,
  }
}

type Enter = (session: Session, sample?: boolean) => Promise<Me>

const beginning = (origin: string, state: State, enter: Enter) => ({
  kept: async (_: null) => keptVaults(),
  /** Makes a vault; nothing stays in this browser until `confirm`, so that nobody has a record without having seen the words. */
  async create({ name, device, unlock }: Fresh): Promise<{ words: readonly string[] }> {
    await refuseWeak(unlock)
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
    await refuseWeak(unlock)
    const relay = await relayName(origin)
    const session = await restoreVault({ clock, random, network: openPlace(origin, relay) }, { words, relay, deviceName: device })
    await keepVault(session, unlock)
    return enter(session)
  },
  /** Words and a backup, where the relay has lost the record: it is filed anew, under the same name, with new keys for what is to come. */
  async restoreFile({ file, words, device, unlock }: FromWords & { readonly file: Blob }, { progress }: Call): Promise<Me> {
    await refuseWeak(unlock)
    const relay = await relayName(origin)
    const recovery = await recoveryOf(rootFromWords(words))
    const parts = { clock, random, network: openPlace(origin, relay) }
    const chunks = piecesOf(file)
    const restored = await restoreBackup(parts, { chunks, recovery, relay, deviceName: device, progress: done => progress(done) })
    await keepVault(restored.session, unlock)
    const me = await enter(restored.session)
    await state.vault!.sync()
    // Whom this does not reach hears of it when they next ask: what they had opens nothing.
    await tellEnds(state.vault!.ctx, restored.untold).catch(() => [])
    return me
  },
  unlock: async ({ did, unlock }: { readonly did: string; readonly unlock: Unlock }): Promise<Me> => enter(await openKept(did, unlock)),
  /** A made-up person in memory alone: gone when locked. */
  async sample(_: null, call: Call): Promise<Me> {
    const relay = await relayName(origin)
    const name = personName(samplePatient('keepwell-sample', { resources: 1, now: clock() }).next().value?.name) ?? 'Sample'
    const made = await createVault({ clock, random, network: openPlace(origin, relay) }, { name, relay, deviceName: 'sample' })
    const me = await enter(made.session, true)
    await takeIn(state.vault!, { ...call, items: sampleItems() })
    return me
  },
})
