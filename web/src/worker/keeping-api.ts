import { removeDevice } from '@keepwell/sdk/actions/vault/devices'
import { equal, fromHex, toHex } from '@keepwell/sdk/base/bytes'
import type { DeviceView } from '#rpc/views.ts'
import { forgetVault } from './shelf.ts'
import type { OpenVault } from './vault.ts'

/** Devices, and what this browser keeps. */
export const keepingApi = (open: () => OpenVault) => ({
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
