import { addWake, removeWake } from '@keepwell/sdk/actions/emergency/wake'
import { equal, fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { newWakeKey, wakePublic } from '@keepwell/sdk/identity/wake-key'
import type { NewWake, WakeView } from '#rpc/wake.ts'
import { plainly } from './emergency.ts'
import type { OpenVault } from './vault.ts'

/** Devices that custodians wake. `endpoint`: this browser's, when it has one. */
export function wakes({ ctx }: OpenVault, endpoint: string | null): WakeView[] {
  const { device, state } = ctx.session
  const { wakes: kept, emergency } = state.ring
  return (kept?.devices ?? []).map(d => ({
    id: toHex(d.wake.id),
    name: d.name,
    whose: d.wake.whose,
    at: d.at,
    gone: d.gone !== undefined,
    here: d.device !== undefined && equal(d.device, device.id),
    subscribed: d.wake.endpoint === endpoint,
    stale: emergency !== undefined && d.card < emergency.version,
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

export async function turnOn(vault: OpenVault, { publicKey, subscription, name }: NewWake, keys: WakeKeys): Promise<readonly string[]> {
  const key = keys.get(toHex(publicKey))
  if (!key) throw new KeepwellError('NOT_FOUND', 'That subscription was not begun here.')
  const { device, state } = vault.ctx.session
  const known = state.ring.devices.find(d => equal(d.id, device.id))?.name ?? name
  const made = { ...subscription, whose: 'own' as const, key, name: known.slice(0, 80), device: device.id }
  const unreached = await vault.run(ctx => addWake(ctx, made)).catch(plainly)
  keys.delete(toHex(publicKey))
  return unreached
}

export const turnOff = (vault: OpenVault, id: string): Promise<readonly string[]> =>
  vault.run(ctx => removeWake(ctx, fromHex(id))).catch(plainly)
