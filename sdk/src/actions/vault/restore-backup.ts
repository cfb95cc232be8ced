import type { Ctx, Progress, Session } from '#actions/context'
import { checkTombstones, walkTombstones } from '#actions/records/check-tombstones'
import { buryRecords } from '#actions/records/erase-records'
import { uploader } from '#actions/records/file-records'
import { ownOpener } from '#actions/records/own-group'
import { ownTarget } from '#actions/records/secrets'
import { renewLimits } from '#actions/rights/limits'
import { equal, toHex, utf8 } from '#base/bytes'
import { decode } from '#base/cbor'
import { cidFromBytes, parseCid } from '#base/cid'
import { ensure } from '#base/error'
import { epochOf } from '#base/time'
import { decodeTerms, readTerms } from '#consent/terms'
import { hkdf, sha256 } from '#crypto/hash'
import { secpAddress } from '#crypto/secp'
import { type Bundle, bundleMessage, encodeBundle, endorserOf, standingOf } from '#identity/bundle'
import { calendarMessage } from '#identity/calendar'
import { isInbox } from '#identity/compartments'
import { type Device, newDevice } from '#identity/device'
import { makeDid, parseDid } from '#identity/did'
import { seatedNow } from '#identity/hand-over'
import { type GivenGrant, type Keyring, openKeyring } from '#identity/keyring'
import type { Recovery } from '#identity/root'
import { peek, signedHash } from '#identity/signed'
import type { Manifest } from '#ports/ledger'
import type { Relay } from '#ports/relay'
import { type Resealable, reseal } from '#records/reseal'
import { type BackupPart, isBlock, isEnd, isErased, isGroup, isRecord, isVault, readBackup } from './backup-file.ts'
import { callRelay, homeRelayUrl, makeCall, ownBundle, seatOf } from './calls.ts'
import { changeRing } from './change-ring.ts'
import { announceBundle, makeBundle } from './create-vault.ts'
import { publishCalendar } from './publish-calendar.ts'
import { handedTo } from './rotate.ts'

type Restoring = Pick<Ctx, 'clock' | 'random' | 'network'>

export type RestoreBackup = {
  readonly chunks: AsyncIterable<Uint8Array>
  /** The recovery key of the words; or a device's own pair, with the tag that its keyring names. */
  readonly recovery: Pick<Recovery, 'secret' | 'public' | 'tag'>
  /** Where the vault is to live from now on. */
  readonly relay: string
  readonly deviceName: string
  /** Ids known from elsewhere to be erased: from newer backups. */
  readonly erased?: readonly Uint8Array[]
  readonly progress?: Progress
}

export type RestoredBackup = {
  readonly session: Session
  readonly device: Device
  readonly records: number
  /** How many records stay erased, whether the backup still held them or not. */
  readonly erased: number
  /** Consents that lived on another ledger and have to be given anew. */
  readonly ended: number
  /** Those consents, of which nobody has been told yet: see `tellEnds`. */
  readonly untold: readonly GivenGrant[]
}

/** Records re-sealed and submitted at once. */
const BATCH = 256

/**
 * Brings a vault back from its backup to a relay that does not have it: the same DID under a new key bundle that names the new relay. Every
 * envelope is re-sealed, so nothing that someone copied from the old relay opens what is written here. What was erased is buried at the
 * new relay first, and does not come back (protocol §8): as the backup says, as the caller knows, and as the old relay says where it still
 * answers. Cut short, it is run again. Sync afterwards rebuilds the catalog. Throws HOME_EXISTS when that relay still keeps the vault: then the words alone bring it back.
 */
export async function restoreBackup(ctx: Restoring, input: RestoreBackup): Promise<RestoredBackup> {
  const { recovery, progress = () => {} } = input
  const relay = await ctx.network.relay(input.relay)
  ensure(
    !(await relay.restore(recovery.tag)),
    'HOME_EXISTS',
    'That relay keeps this vault already; restore it with the words alone, or choose another relay.',
  )
  const parts = readBackup(input.chunks, recovery)
  const first = await parts.next()
  ensure(!first.done && isVault(first.value), 'UNREADABLE', 'The backup does not begin with its vault.')
  const old = await openKeyring(first.value.keyring, recovery)
  const device = await newDevice(old.did, input.deviceName, ctx.random)
  const { ring, ended } = await movedRing(ctx, { relay, url: input.relay, old, device, recovery })
  const session: Session = { device, state: { ring, sealed: first.value.keyring, head: first.value.head } }
  const own = { ...ctx, session }
  await callRelay(own, relay, 'enroll', { bundle: ownBundle(ring), lookup: sha256(recovery.tag) })
  const calendar = await publishCalendar(own, ring)

  const erased = new Map(
    [...(input.erased ?? []), ...(await buriedBefore(ctx, session, { old, first: first.value, url: input.relay }))].map(named),
  )
  const work = filer(own, relay, ring)
  let opener: Awaited<ReturnType<typeof ownOpener>> | null = null
  let target: Uint8Array | null = null
  let buried = false
  let skipping = false
  let skipped = 0
  const bury = async (): Promise<void> => {
    if (!buried) await buryRecords({ ...own, session: { device, state: { ...session.state, head: null } } }, [...erased.values()])
    buried = true
  }
  for await (const p of parts) {
    if (isErased(p)) for (const [key, id] of p.ids.map(named)) erased.set(key, id)
    else if (isGroup(p)) {
      await bury()
      opener = await ownOpener(old, p.head)
      target = p.head.compartment
    } else if (isRecord(p)) {
      ensure(opener && target, 'UNREADABLE', 'A record stands before its encapsulation.')
      const { id, cid, leaf } = p.item
      skipping = erased.has(toHex(id))
      if (skipping) {
        skipped++
        continue
      }
      await work.add(target, { id, cid, leaf, card: await opener.card(p.item), dek: await opener.dek(p.item) })
      progress(work.count(), null)
    } else if (isBlock(p)) {
      ensure(equal(sha256(p.bytes), parseCid(cidFromBytes(p.cid)).digest), 'BAD_CID', 'A block of the backup does not hash to its address.')
      if (!skipping) await work.block({ cid: cidFromBytes(p.cid), bytes: p.bytes.slice() })
    } else if (isEnd(p)) {
      await bury()
      await work.flush()
      ensure(p.records === work.count() + skipped, 'TRUNCATED', 'The backup holds less than it says.')
    }
  }
  // The head comes last: until then the relay says that it keeps no such vault, and a restore can begin anew.
  const { ids, root } = await walkTombstones({ ...own, session: { device, state: { ...session.state, head: null } } })
  await changeRing(own, r => r, { calendar, compartments: [], writes: 0, tombstones: { root, count: ids.length } })
  await announceBundle(own)
  await renewLimits(own)
  return { session, device, records: work.count(), erased: erased.size, ended: ended.length, untold: ended }
}

const named = (id: Uint8Array): [string, Uint8Array] => [toHex(id), id.slice()]

type Before = { readonly old: Keyring; readonly first: Extract<BackupPart, { keyring: unknown }>; readonly url: string }

/** What the old relay says was erased since the backup was made; nothing, where it does not answer or is the one restored to. */
async function buriedBefore(ctx: Restoring, { device }: Session, { old, first, url }: Before): Promise<readonly Uint8Array[]> {
  if (homeRelayUrl(old) === url) return []
  const session: Session = { device, state: { ring: old, sealed: first.keyring, head: first.head } }
  return checkTombstones({ ...ctx, session }).catch(() => [])
}

/** Uploads blocks and submits re-sealed envelopes, a batch at a time; a record's blocks come after it, so it waits for them. */
function filer(ctx: Restoring & { session: Session }, relay: Relay, ring: Keyring) {
  const upload = uploader(async blocks => relay.putBlocks(await makeCall(ctx, relay, 'put-blocks', { vault: ring.did }), blocks))
  const waiting = new Map<string, { compartment: Uint8Array; records: Resealable[] }>()
  let held = 0
  let count = 0
  const flush = async (): Promise<void> => {
    await upload.flush()
    const groups = []
    for (const { compartment, records } of waiting.values())
      groups.push(await reseal(ring.did, records, await ownTarget(ring, compartment, ctx.clock()), ctx.random))
    waiting.clear()
    held = 0
    // `replace`, so that a restore that was cut short can be run again.
    if (groups.length) await callRelay(ctx, relay, 'submit', { vault: ring.did, groups, purpose: 'PATRQT', replace: true })
  }
  return {
    count: () => count,
    async add(compartment: Uint8Array, record: Resealable): Promise<void> {
      if (held >= BATCH) await flush()
      const key = toHex(compartment)
      const group = waiting.get(key) ?? { compartment: compartment.slice(), records: [] }
      group.records.push({ ...record, id: record.id.slice(), cid: record.cid.slice(), leaf: record.leaf.slice() })
      waiting.set(key, group)
      held++
      count++
    },
    block: (block: { cid: string; bytes: Uint8Array }) => upload.add([block]),
    flush,
  }
}

type Moving = {
  readonly relay: Relay
  readonly url: string
  readonly old: Keyring
  readonly device: Device
  readonly recovery: RestoreBackup['recovery']
}

/** The keyring at its new place: a bundle that names the relay, this device, new generations, a newer calendar. */
async function movedRing(ctx: Restoring, { relay, url, old, device, recovery }: Moving): Promise<{ ring: Keyring; ended: GivenGrant[] }> {
  const info = await relay.info()
  const before = ownBundle(old)
  const { did, version } = peek(before.signed, bundleMessage)
  const place = { relays: [url], manifest: decode(info.manifest) as Manifest }
  const { controller, handed } = seatedAt(info.chainId, old, recovery)
  const begun = await relay.bundle(did)
  const bundle =
    begun && follows(begun, before)
      ? begun
      : await makeBundle(
          ctx,
          { did, version: version + 1, prev: signedHash(before.signed), ...place, ...(handed ? { handed } : {}) },
          { ...old, controller },
        )
  ensure(
    endorserOf(bundle) === secpAddress(controller),
    'BUNDLE_ROLLBACK',
    'A restore of this vault was begun at that relay with another key; go on with that one, or choose another relay.',
  )
  const published = await relay.calendar(did)
  const calendar = Math.max(old.calendar, published ? peek(published.calendar, calendarMessage).version : 0) + 1
  const from = epochOf(ctx.clock())
  const elsewhere = (terms: Uint8Array): boolean => readTerms(decodeTerms(terms).signed).chainId !== info.chainId
  const ended = old.given.filter(g => g.state === 'live' && elsewhere(g.terms))
  // The parts of a large keyring lie at the old relay; they are cut anew. Keys that were about to be replaced there never came into force.
  const { parts: _there, rotation: _planned, ...whole } = old
  const moves = seatOf(old) !== seatedNow(standingOf(bundle)).seat
  const ring: Keyring = {
    ...whole,
    controller,
    bundle: encodeBundle(bundle),
    calendar,
    devices: [{ id: device.id, name: device.name, public: device.public, addedAt: ctx.clock() }],
    compartments: old.compartments.map(c => {
      const generation = c.generation + 1
      return isInbox(c.id) ? c : { ...c, generation, roots: [...c.roots, { generation, root: ctx.random(32), from }] }
    }),
    given: old.given.map(g => (ended.includes(g) ? { ...g, state: 'revoked' } : g)),
    // Guardians stand on the ledger that was left. Who agreed need not be asked again.
    ...(moves && old.guardians ? { guardians: { asked: old.guardians.asked, circles: [] } } : {}),
  }
  return { ring, ended }
}

/**
 * On another ledger the word on the keys gets a seat of its own there, under a new key, to which the one in force hands over: nobody who ever
 * had an older key can act for it. The key comes from the words, so that a restore cut short goes on with the same one. Throws NOT_SUPPORTED
 * where the keys were replaced before such changes were signed.
 */
function seatedAt(
  chainId: number,
  old: Keyring,
  recovery: RestoreBackup['recovery'],
): Pick<Keyring, 'controller'> & Pick<Bundle, 'handed'> {
  const { handed } = ownBundle(old)
  if (parseDid(seatOf(old)).chainId === chainId) return { controller: old.controller, ...(handed ? { handed } : {}) }
  const controller = hkdf(recovery.secret, utf8('keepwell/v1/seat'), utf8(`${old.did} ${chainId}`), 32)
  const address = secpAddress(controller)
  const moved = handedTo(old, { seat: makeDid(chainId, address), controller: address })
  ensure(
    moved,
    'NOT_SUPPORTED',
    'The keys of this record were replaced by a version of Keepwell that left no proof of it; restore it at a relay of the same ledger.',
  )
  return { controller, handed: moved }
}

/** Whether a bundle at the relay is what an earlier, cut-short restore of this backup left there. */
const follows = (begun: Bundle, before: Bundle): boolean => {
  const { prev } = peek(begun.signed, bundleMessage)
  return prev !== null && equal(prev, signedHash(before.signed))
}
