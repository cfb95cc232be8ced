import { verifiedParty } from '#actions/access/grant'
import { post } from '#actions/access/post'
import type { Ctx } from '#actions/context'
import { changeRing } from '#actions/vault/change-ring'
import { equal } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import type { BellList } from '#identity/bell'
import type { Did } from '#identity/did'
import type { Keyring } from '#identity/keyring'
import { MAX_BELLS, MAX_WAKES, type WakeDevice, type WakeList, type WakeState } from '#identity/wake'

type WakeCtx = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>
type Listed = WakeState['devices'][number]

export type NewWake = Omit<WakeDevice, 'id'> & {
  readonly name: string
  /** The vault's device that it is, when it is one: it has one subscription at most. */
  readonly device?: Uint8Array
}

const nothing: WakeState = { version: 1, told: [], devices: [] }

/** A change of the list is a new version of it, of which nobody was told. */
const changed = (r: Keyring, change: (devices: readonly Listed[]) => Listed[]): Keyring => {
  const before = r.wakes ?? nothing
  return { ...r, wakes: { ...before, version: before.version + 1, told: [], devices: change(before.devices) } }
}

/**
 * Has a device woken in an emergency even when the app is closed there (protocol §7): its push subscription goes, sealed, to each custodian.
 * Returns the names of custodians out of reach; `tellWakes` tries them again. Throws NOT_FOUND without emergency access, BAD_INPUT for the
 * seventeenth device and for an address that is no https one.
 */
export async function addWake(ctx: WakeCtx, { name, device, ...subscription }: NewWake): Promise<string[]> {
  const card = ctx.session.state.ring.emergency?.version
  ensure(card !== undefined, 'NOT_FOUND', 'Emergency access is not set up in this vault.')
  ensure(reachable(subscription.endpoint), 'BAD_INPUT', 'A push service is reached by https.')
  const wake = { id: ctx.random(16), ...subscription }
  const same = (d: Listed): boolean =>
    d.wake.endpoint === wake.endpoint || (device !== undefined && d.device !== undefined && equal(d.device, device))
  await changeRing(ctx, r =>
    changed(r, devices => {
      const others = devices.filter(d => !same(d))
      ensure(others.length < MAX_WAKES, 'BAD_INPUT', `No more than ${MAX_WAKES} devices are woken.`)
      return [...others, { name, at: ctx.clock(), card, wake, ...(device ? { device } : {}) }]
    }),
  )
  return tellWakes(ctx)
}

/** Loopback is for machines on which everything runs; what else is inside a network a custodian refuses, which knows where it is itself. */
export const reachable = (endpoint: string): boolean => {
  const url = URL.parse(endpoint)
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && url.hostname === '127.0.0.1')
}

/** Takes a device off the list. Returns the names of custodians out of reach. */
export async function removeWake(ctx: WakeCtx, id: Uint8Array): Promise<string[]> {
  await changeRing(ctx, r => changed(r, devices => devices.filter(d => !equal(d.wake.id, id))))
  return tellWakes(ctx)
}

/** Devices that custodians wake; `stale`: made before the custodians of now, so who was one before has the key of its subscription. */
export function wokenDevices({ session }: Pick<Ctx, 'session'>): (Listed & { readonly stale: boolean })[] {
  const { wakes, emergency } = session.state.ring
  return (wakes?.devices ?? []).map(d => ({ ...d, stale: emergency !== undefined && d.card < emergency.version }))
}

/** Who lets their devices be woken in an emergency of this vault, and whom its owner chose of them. */
export function wouldCome({ session }: Pick<Ctx, 'session'>): { readonly did: Did; readonly name: string; readonly chosen: boolean }[] {
  const { contacts, wakes } = session.state.ring
  return contacts.filter(c => c.bell?.bell).map(({ did, name }) => ({ did, name, chosen: wakes?.bells?.includes(did) ?? false }))
}

/**
 * Has custodians ring the bell of this contact when they release a share (protocol §7), or no more. Returns the names of custodians out of
 * reach. Throws NOT_FOUND without emergency access, and for a contact that gave no bell; BAD_INPUT for the seventeenth.
 */
export async function chooseBell(ctx: WakeCtx, of: Did, on: boolean): Promise<string[]> {
  await changeRing(ctx, r => {
    ensure(r.emergency, 'NOT_FOUND', 'Emergency access is not set up in this vault.')
    ensure(
      r.contacts.some(c => c.did === of && c.bell?.bell),
      'NOT_FOUND',
      'That contact did not offer to be woken.',
    )
    const before = r.wakes?.bells ?? []
    if (before.includes(of) === on) return r
    ensure(!on || before.length < MAX_BELLS, 'BAD_INPUT', `The devices of no more than ${MAX_BELLS} people are woken.`)
    return withBells(r, on ? [...before, of] : before.filter(did => did !== of))
  })
  return tellWakes(ctx)
}

/** The list with other bells: a new version, of which nobody was told. */
export const withBells = (r: Keyring, bells: readonly Did[]): Keyring => {
  const changing = changed(r, devices => [...devices])
  return { ...changing, wakes: { ...changing.wakes!, bells: [...bells] } }
}

/** Custodians that do not know the list as it is. */
export function untoldOfWakes({ emergency, wakes }: Keyring): readonly { readonly did: Did; readonly name: string }[] {
  return wakes ? (emergency?.custodians ?? []).filter(c => !wakes.told.includes(c.did)) : []
}

/** Tells each custodian that does not know the list as it is. Returns the names of those out of reach. */
export async function tellWakes(ctx: WakeCtx): Promise<string[]> {
  const { ring } = ctx.session.state
  const { wakes } = ring
  if (!wakes) return []
  const unreached: string[] = []
  const told: Did[] = []
  for (const { did, name } of untoldOfWakes(ring)) (await tellOne(ctx, did, wakes)) ? told.push(did) : unreached.push(name)
  if (told.length)
    await changeRing(ctx, r => {
      // Another device may have changed the list meanwhile: then nobody was told of that one.
      if (r.wakes?.version !== wakes.version) return r
      return { ...r, wakes: { ...r.wakes, told: [...new Set([...r.wakes.told, ...told])].slice(-32) } }
    })
  return unreached
}

/** Tells those who are custodians no more that there is nothing to wake; one that is away keeps what it has, so keys are drawn anew. */
export async function forgetWakes(ctx: WakeCtx, dids: readonly Did[]): Promise<void> {
  const { wakes } = ctx.session.state.ring
  if (!wakes) return
  for (const did of dids) await tellOne(ctx, did, emptied(wakes))
}

/** The same list with nothing to wake or to ring. */
export const emptied = (wakes: WakeState): WakeState => ({ ...wakes, devices: [], ...(wakes.bells ? { bells: [] } : {}) })

/** Bells go in a message of their own: a custodian from before there were any refuses that one alone, and goes on waking devices. */
async function tellOne(ctx: WakeCtx, did: Did, { version, devices, bells }: WakeState): Promise<boolean> {
  const { did: vault, contacts } = ctx.session.state.ring
  const content: WakeList = { v: 1, vault, version, devices: devices.filter(d => !d.gone).map(d => d.wake) }
  const given = contacts.flatMap(c => (bells?.includes(c.did) && c.bell?.bell ? [{ of: c.did, ...c.bell.bell }] : []))
  const ringing: BellList = { v: 1, vault, version, bells: given }
  try {
    const party = await verifiedParty(ctx, did)
    await post(ctx, party, 'share', content, { introduce: true })
    if (bells) await post(ctx, party, 'share', ringing, { introduce: true })
    return true
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return false
  }
}
