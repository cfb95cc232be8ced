import { addToBell, giveBell, lookedAfter, removeFromBell, takeBellBack } from '@keepwell/sdk/actions/emergency/bell'
import { addWake, chooseBell, wouldCome as offering, removeWake, wokenDevices } from '@keepwell/sdk/actions/emergency/wake'
import { equal, fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { newWakeKey, wakePublic } from '@keepwell/sdk/identity/wake-key'
import type { BellView, NewWake, WakeView, WokenFor, WouldCome } from '#rpc/wake.ts'
import { plainly } from './emergency.ts'
import type { OpenVault } from './vault.ts'

/** Devices that custodians wake. `endpoint`: this browser's, when it has one. */
export function wakes(vault: OpenVault, endpoint: string | null): WakeView[] {
  return wokenDevices(vault.ctx).map(d => ({
    id: toHex(d.wake.id),
    name: d.name,
    whose: d.wake.whose,
    at: d.at,
    gone: d.gone !== undefined,
    here: isHere(vault, d),
    subscribed: d.wake.endpoint === endpoint,
    stale: d.stale,
  }))
}

/** Keys that the page subscribes with, until it did: the secret half stays here. */
export type WakeKeys = Map<string, Uint8Array>

/** The public half of a key for one subscription. */
export function wakeKey({ ctx }: OpenVault, keys: WakeKeys): Uint8Array {
  const key = newWakeKey(ctx.random)
  const made = wakePublic(key)
  keys.set(toHex(made), key)
  return made
}

/** A browser has one subscription: a new one goes wherever this device is woken already, or what had the old one would wake nobody. */
export async function turnOn(vault: OpenVault, input: NewWake, keys: WakeKeys): Promise<readonly string[]> {
  const key = keys.get(toHex(input.publicKey))
  if (!key) throw new KeepwellError('NOT_FOUND', 'That subscription was not begun here.')
  const unreached = await placed(vault, { ...input.subscription, key }, [input.what, ...wokenFor(vault)], input.name)
  keys.delete(toHex(input.publicKey))
  return unreached
}

/** With the subscription that this device has already; null when it has none that the vault knows. */
export async function turnOnToo(
  vault: OpenVault,
  { endpoint, what, name }: { readonly endpoint: string; readonly what: WokenFor; readonly name: string },
): Promise<readonly string[] | null> {
  const { wakes, bell } = vault.ctx.session.state.ring
  const same = [...(wakes?.devices ?? []), ...(bell?.devices ?? [])].filter(d => d.wake.endpoint === endpoint)
  const lost = wakes?.devices.some(d => d.gone && d.wake.endpoint === endpoint)
  if (!same[0] || lost) return null
  const { p256dh, auth, key } = same[0].wake
  return placed(vault, { endpoint, p256dh, auth, key }, [what], name)
}

const isHere = ({ ctx }: OpenVault, d: { readonly device?: Uint8Array }): boolean =>
  d.device !== undefined && equal(d.device, ctx.session.device.id)

function wokenFor(vault: OpenVault): WokenFor[] {
  const { wakes, bell } = vault.ctx.session.state.ring
  const here = (list: readonly { readonly device?: Uint8Array }[] = []): boolean => list.some(d => isHere(vault, d))
  return [...(here(wakes?.devices) ? (['own'] as const) : []), ...(here(bell?.devices) ? (['others'] as const) : [])]
}

type Subscribed = Parameters<typeof addToBell>[1]

async function placed(
  vault: OpenVault,
  subscription: Omit<Subscribed, 'name' | 'device'>,
  what: readonly WokenFor[],
  name: string,
): Promise<string[]> {
  const { device, state } = vault.ctx.session
  const known = state.ring.devices.find(d => equal(d.id, device.id))?.name ?? name
  const made = { ...subscription, name: known.slice(0, 80), device: device.id }
  const unreached: string[] = []
  if (what.includes('own')) unreached.push(...(await vault.run(ctx => addWake(ctx, { ...made, whose: 'own' })).catch(plainly)))
  if (what.includes('others')) unreached.push(...(await vault.run(ctx => addToBell(ctx, made)).catch(plainly)))
  return unreached
}

/** Devices that the own relay wakes for others, and for whom. */
export function bell(vault: OpenVault, endpoint: string | null): BellView {
  const { ring } = vault.ctx.session.state
  return {
    devices: (ring.bell?.devices ?? []).map(d => ({
      id: toHex(d.wake.id),
      name: d.name,
      at: d.at,
      here: isHere(vault, d),
      subscribed: d.wake.endpoint === endpoint,
    })),
    people: lookedAfter(vault.ctx),
  }
}

export const bellNoMore = (vault: OpenVault, id: string): Promise<readonly string[]> =>
  vault.run(ctx => removeFromBell(ctx, fromHex(id))).catch(plainly)

export const wakeFor = (vault: OpenVault, { did, on }: { readonly did: string; readonly on: boolean }): Promise<readonly string[]> =>
  vault.run(ctx => (on ? giveBell(ctx, did) : takeBellBack(ctx, did))).catch(plainly)

export const wouldCome = ({ ctx }: OpenVault): WouldCome[] => offering(ctx)

export const chooseWoken = (vault: OpenVault, { did, on }: { readonly did: string; readonly on: boolean }): Promise<readonly string[]> =>
  vault.run(ctx => chooseBell(ctx, did, on)).catch(plainly)

export const turnOff = (vault: OpenVault, id: string): Promise<readonly string[]> =>
  vault.run(ctx => removeWake(ctx, fromHex(id))).catch(plainly)
