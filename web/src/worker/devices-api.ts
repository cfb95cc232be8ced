import { admitDevice, readOffer, type SeenOffer } from '@keepwell/sdk/actions/vault/admit-device'
import { removeDevice, renameDevice } from '@keepwell/sdk/actions/vault/devices'
import { OFFER_PREFIX } from '@keepwell/sdk/actions/vault/offer-device'
import { equal, fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { ensure, isKeepwellError } from '@keepwell/sdk/base/error'
import type { DeviceView, LockCard, NewDevice, RoundView } from '#rpc/devices.ts'
import type { Unlock } from '#rpc/views.ts'
import { addLock, forgetVault, keptVaults, locksOf, openKept, removeLock } from './shelf.ts'
import type { OpenVault } from './vault.ts'

/** A device that was shut out already, or whose record is gone, has nothing to take itself out of. */
function unlessOut(e: unknown): void {
  if (!isKeepwellError(e) || !['ERASED', 'NO_KEY', 'BAD_SIGNATURE'].includes(e.code)) throw e
}

/** Devices of the record, how this one opens it, and what this browser keeps. */
export function devicesApi(open: () => OpenVault) {
  let seen: SeenOffer | null = null
  const own = () => open().ctx.session.state.ring.did
  /** Whoever finds an open screen cannot change its lock. */
  const prove = async (proof: Unlock): Promise<void> => void (await openKept(own(), proof))
  return {
    async devices(_: null): Promise<DeviceView[]> {
      const { ring } = open().ctx.session.state
      const here = open().ctx.session.device.id
      return ring.devices.map(d => ({ id: toHex(d.id), name: d.name, since: d.addedAt, here: equal(d.id, here) }))
    },
    removeDevice: async (id: string) => void (await open().run(ctx => removeDevice(ctx, fromHex(id)))),
    renameDevice: async ({ id, name }: { readonly id: string; readonly name: string }) =>
      void (await open().run(ctx => renameDevice(ctx, fromHex(id), name))),
    /** Reads what a new device shows: the whole link, or what a camera made of it. */
    async readOffer(link: string): Promise<NewDevice> {
      const code = link.trim().replace(/^.*[#/]/s, OFFER_PREFIX)
      seen = await readOffer(open().ctx, code)
      return { name: seen.offer.name, digits: seen.code, until: seen.offer.expiry }
    },
    async admit(name: string): Promise<void> {
      ensure(seen, 'NOT_FOUND', 'Read the code of the new device first.')
      const { offer, ...rest } = seen
      await open().run(ctx => admitDevice(ctx, { ...rest, offer: { ...offer, name } }))
      seen = null
    },
    /** Whether somebody is taking the record over with the guardians’ votes. Loaded when asked: a first visit need not wait for it. */
    async recoveryRound(_: null): Promise<RoundView | null> {
      if (open().sample) return null
      const { settleGuardians } = await import('@keepwell/sdk/actions/guardians/guardians')
      const { round } = await open().run(settleGuardians)
      return round?.state === 'running' ? { readyAt: round.readyAt, final: round.final } : null
    },
    async cancelRecovery(_: null): Promise<void> {
      const { cancelRecovery } = await import('@keepwell/sdk/actions/guardians/ledger')
      await open().run(cancelRecovery)
    },
    locks: async (_: null): Promise<LockCard[]> => (open().sample ? [] : locksOf(own())),
    async addLock({ proof, unlock }: { readonly proof: Unlock; readonly unlock: Unlock }): Promise<void> {
      await prove(proof)
      await addLock(open().ctx.session.device, unlock)
    },
    async removeLock({ proof, at }: { readonly proof: Unlock; readonly at: number }): Promise<void> {
      await prove(proof)
      await removeLock(own(), at)
    },
    /** The other records of this browser, which have locks of their own. */
    others: async (_: null) => (await keptVaults()).filter(v => v.did !== own()),
    /** Takes the record off this browser; where it is kept, and on other devices, it stays. */
    async forget(_: null): Promise<void> {
      const vault = open()
      const { ring } = vault.ctx.session.state
      const { device } = vault.ctx.session
      if (!vault.sample && ring.devices.length > 1) await vault.run(ctx => removeDevice(ctx, device.id)).catch(unlessOut)
      vault.close()
      await vault.ctx.catalog.close()
      if (!vault.sample) await forgetVault(ring.did)
    },
  }
}
