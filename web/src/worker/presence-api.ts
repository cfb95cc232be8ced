import { IDLE_MINUTES, type Limits, type LimitsView, MOST_HOURS } from '#rpc/limits.ts'
import type { Unlock } from '#rpc/views.ts'
import { limitsFrom, type Presence } from './presence.ts'
import { keepLimits, openKept } from './shelf.ts'
import type { OpenVault } from './vault.ts'

const always = (): boolean => true

/**
 * What is done only for somebody who showed lately that they are the owner: whoever finds a screen open can neither give the record away,
 * nor destroy it, nor take it along, nor let himself in for later. Whatever takes access away is never held up.
 */
export const GRAVE = {
  share: always,
  extendShare: always,
  passOn: always,
  makeLink: always,
  erase: always,
  eraseSome: always,
  eraseAll: always,
  undoImport: always,
  exportAll: always,
  exportSome: always,
  admit: always,
  removeDevice: always,
  rekey: always,
  setUpEmergency: always,
  replaceEmergency: always,
  endEmergency: always,
  askGuardians: always,
  setGuardians: always,
  removeGuardian: always,
  endGuardians: always,
  helpBack: always,
  setLimits: always,
  // To freeze and to opt out is never held up; to take it back is.
  freeze: (input: { readonly frozen?: boolean } | null) => input?.frozen !== true,
  closeToNew: (closed: boolean | null) => closed !== true,
} as const

/** Who is at the device, and for how long that counts. */
export const presenceApi = (open: () => OpenVault, here: () => Presence) => ({
  /** A key was pressed, something was touched. */
  seen: async (_: null): Promise<void> => here().seen(),
  /** Throws WRONG_PASSPHRASE, NO_KEY, RATE_LIMITED, as unlocking does. */
  async prove(unlock: Unlock): Promise<void> {
    await openKept(open().ctx.session.state.ring.did, unlock)
    here().proved()
  },
  limits: async (_: null): Promise<LimitsView> => ({ ...here().limits(), choices: { idleMinutes: IDLE_MINUTES, mostHours: MOST_HOURS } }),
  async setLimits(wanted: Limits): Promise<void> {
    const vault = open()
    const limits = limitsFrom(wanted)
    if (!vault.sample) await keepLimits(vault.ctx.session.state.ring.did, limits)
    here().limits(limits)
  },
})
