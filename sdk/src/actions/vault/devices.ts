import type { Ctx } from '#actions/context'
import { equal } from '#base/bytes'
import { ensure } from '#base/error'
import { withDevices } from '#identity/bell'
import type { Device } from '#identity/device'
import type { WakeState } from '#identity/wake'
import { changeRing } from './change-ring.ts'

type Changing = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** Seals the keyring to one more device; that device opens it with its own key, never with the words. */
export const addDevice = (ctx: Changing, device: Pick<Device, 'id' | 'name' | 'public'>) =>
  changeRing(ctx, ring => ({
    ...ring,
    devices: [
      ...ring.devices.filter(d => !equal(d.id, device.id)),
      { id: device.id, name: device.name, public: device.public, addedAt: ctx.clock() },
    ],
  }))

/** Re-seals the keyring without a device. What that device had read stays read; after theft, rotate as well. */
export const removeDevice = (ctx: Changing, id: Uint8Array) =>
  changeRing(ctx, ring => {
    ensure(ring.devices.length > 1 && ring.devices.some(d => equal(d.id, id)), 'NOT_FOUND', 'There is no other device of that id.')
    const { wakes } = ring
    const stays = (d: { readonly device?: Uint8Array }): boolean => !d.device || !equal(d.device, id)
    // Nor is it woken in an emergency any more, as soon as custodians are told.
    const fewer = wakes && !wakes.devices.every(stays) ? { wakes: { ...untold(wakes), devices: wakes.devices.filter(stays) } } : {}
    const bell = ring.bell ? { bell: withDevices(ring.bell, ring.bell.devices.filter(stays)) } : {}
    return { ...ring, ...fewer, ...bell, devices: ring.devices.filter(d => !equal(d.id, id)) }
  })

const untold = (w: WakeState): WakeState => ({ ...w, version: w.version + 1, told: [] })

/** What a device is called, for its owner to know it by. */
export const renameDevice = (ctx: Changing, id: Uint8Array, name: string) =>
  changeRing(ctx, ring => {
    ensure(
      ring.devices.some(d => equal(d.id, id)),
      'NOT_FOUND',
      'There is no device of that id.',
    )
    return { ...ring, devices: ring.devices.map(d => (equal(d.id, id) ? { ...d, name } : d)) }
  })
