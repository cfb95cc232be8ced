import { verifiedParty } from '#actions/access/grant'
import { post } from '#actions/access/post'
import type { Ctx } from '#actions/context'
import { callRelay, homeRelay, homeRelayUrl } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { equal, type RandomBytes } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { sha256 } from '#crypto/hash'
import { drawnAnew, MAX_GIVEN, markOf, newBell, type OwnBell, withDevices } from '#identity/bell'
import type { Did } from '#identity/did'
import type { Keyring } from '#identity/keyring'
import { MAX_WAKES } from '#identity/wake'
import { type NewWake, reachable, tellWakes } from './wake.ts'

type BellCtx = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** The keyring without that party among those who may ring. */
export function takenBack(r: Keyring, from: Did, random: RandomBytes): Keyring {
  if (!r.bell?.given.some(g => g.did === from)) return r
  return { ...r, bell: drawnAnew({ ...r.bell, given: r.bell.given.filter(g => g.did !== from) }, random) }
}

/**
 * Has a device woken when somebody whom this person looks after has an emergency (protocol §7): it is left at the own relay, and nowhere
 * else. Emergency access of one's own is not needed for it. Returns the names of those who could not be told of the bell; `keepBell` tries
 * again. Throws BAD_INPUT for the seventeenth device and for an address that is no https one, RELAY_UNREACHABLE.
 */
export async function addToBell(ctx: BellCtx, { name, device, ...subscription }: Omit<NewWake, 'whose'>): Promise<string[]> {
  ensure(reachable(subscription.endpoint), 'BAD_INPUT', 'A push service is reached by https.')
  const wake = { id: ctx.random(16), whose: 'other' as const, ...subscription }
  const made = { name, at: ctx.clock(), wake, ...(device ? { device } : {}) }
  await changeRing(ctx, r => {
    const bell = r.bell ?? newBell(ctx.random)
    const others = bell.devices.filter(
      d => d.wake.endpoint !== wake.endpoint && !(device !== undefined && d.device !== undefined && equal(d.device, device)),
    )
    ensure(others.length < MAX_WAKES, 'BAD_INPUT', `No more than ${MAX_WAKES} devices are woken.`)
    return { ...r, bell: withDevices(bell, [...others, made]) }
  })
  return keepBell(ctx)
}

/** Takes a device off the bell; with none left it wakes nobody, whoever has it. */
export async function removeFromBell(ctx: BellCtx, id: Uint8Array): Promise<string[]> {
  await changeRing(ctx, r =>
    r.bell
      ? {
          ...r,
          bell: withDevices(
            r.bell,
            r.bell.devices.filter(d => !equal(d.wake.id, id)),
          ),
        }
      : r,
  )
  return keepBell(ctx)
}

/**
 * Whom this person may be woken for, by name: contacts whose keys were compared, and whoever has the bell, or it could not be taken back from
 * one who moved to another home since. What was made for emergencies itself is none of them.
 */
export function lookedAfter({ session }: Pick<Ctx, 'session'>): { readonly did: Did; readonly name: string; readonly given: boolean }[] {
  const { contacts, emergency, bell } = session.state.ring
  return contacts
    .filter(c => c.did !== emergency?.reader)
    .map(({ did, name, verified }) => ({ did, name, verified, given: bell?.given.some(g => g.did === did) ?? false }))
    .filter(p => p.verified || p.given)
    .map(({ did, name, given }) => ({ did, name, given }))
    .sort((a, b) => a.name.localeCompare(b.name))
}

/** Gives somebody the bell, for their custodians to ring. Throws NOT_FOUND while it wakes no device, UNKNOWN_PARTY, UNVERIFIED. */
export async function giveBell(ctx: BellCtx, to: Did): Promise<string[]> {
  const { bell, emergency } = ctx.session.state.ring
  ensure(to !== emergency?.reader, 'UNKNOWN_PARTY', 'That contact is your own emergency card, and nobody whom you look after.')
  const hung = bell?.devices.length
  ensure(hung, 'NOT_FOUND', 'No device of yours is woken for others yet; one is added in the app, on that device, under Emergency.')
  await verifiedParty(ctx, to)
  await changeRing(ctx, r => {
    if (!r.bell || r.bell.given.some(g => g.did === to)) return r
    ensure(r.bell.given.length < MAX_GIVEN, 'BAD_INPUT', `What wakes your devices is given to no more than ${MAX_GIVEN} people.`)
    return { ...r, bell: { ...r.bell, given: [...r.bell.given, { did: to }] } }
  })
  return keepBell(ctx)
}

/** Takes it back from somebody: a new one is drawn for all others, and what that person has wakes nobody. Throws NOT_FOUND where they have none. */
export async function takeBellBack(ctx: BellCtx, from: Did): Promise<string[]> {
  const has = ctx.session.state.ring.bell?.given.some(g => g.did === from)
  ensure(has, 'NOT_FOUND', 'That contact does not have what wakes your devices.')
  await changeRing(ctx, r => takenBack(r, from, ctx.random))
  const unreached = await keepBell(ctx)
  // Told so that it is no more offered there; that it wakes nobody does not rest on it.
  await tell(ctx, from, null)
  return unreached
}

/** Who has the bell, and was not told of it as it is. */
export function untoldOfBell(r: Keyring): readonly { readonly did: Did; readonly name: string }[] {
  const untold = r.bell?.given.filter(g => g.told !== homeRelayUrl(r)) ?? []
  return untold.map(({ did }) => ({ did, name: r.contacts.find(c => c.did === did)?.name ?? did }))
}

/**
 * Leaves the bell as it is at the own relay, and tells those who have it where it is and what rings it, where they were not told yet. Returns
 * the names of those out of reach. Throws what the own relay throws; one older than bells NO_ROUTE.
 */
export async function keepBell(ctx: BellCtx): Promise<string[]> {
  const { ring } = ctx.session.state
  const { bell } = ring
  if (!bell) return []
  const { secret, devices } = bell
  const relay = homeRelayUrl(ring)
  if (bell.put !== relay)
    await callRelay(ctx, await homeRelay(ctx), 'put-bell', { bell: sha256(secret), devices: devices.map(d => d.wake) })
  const told: Did[] = []
  const unreached: string[] = []
  for (const { did, name } of untoldOfBell(ring)) (await tell(ctx, did, bell)) ? told.push(did) : unreached.push(name)
  if (told.length || bell.put !== relay)
    await changeRing(ctx, r => {
      // Another device may have drawn a new one meanwhile, or changed the devices: nobody was told of that.
      if (!r.bell || !equal(r.bell.secret, secret)) return r
      const same = r.bell.devices.length === devices.length && r.bell.devices.every((d, i) => equal(d.wake.id, devices[i]!.wake.id))
      const now = r.bell.given.map(g => (told.includes(g.did) ? { ...g, told: relay } : g))
      return { ...r, bell: { ...r.bell, given: now, ...(same ? { put: relay } : {}) } }
    })
  return unreached
}

async function tell(ctx: BellCtx, did: Did, bell: OwnBell | null): Promise<boolean> {
  const relay = homeRelayUrl(ctx.session.state.ring)
  const content = bell
    ? { text: 'My devices can be woken in an emergency of yours.', bell: { relay, secret: bell.secret, mark: markOf(bell.marking, did) } }
    : { text: 'My devices are not woken in an emergency of yours any more.', bell: null }
  try {
    await post(ctx, await verifiedParty(ctx, did), 'notice', content, { introduce: true })
    return true
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return false
  }
}

/** Tells what is still to be told, of the own bell and to those who ring others'; for whenever mail was taken. Who is away is told next time. */
export async function tellOwed(ctx: BellCtx): Promise<void> {
  for (const telling of [keepBell, tellWakes])
    await telling(ctx).catch(e => {
      if (!isKeepwellError(e)) throw e
    })
}
