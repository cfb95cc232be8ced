import type { Limits as RightsLimits } from '@keepwell/sdk/consent/limits'
import { IDLE_MINUTES, type Limits, type LimitsView, MOST_HOURS } from '#rpc/limits.ts'
import type { Unlock } from '#rpc/views.ts'
import { limitsFrom, type Presence } from './presence.ts'
import { keepLimits, openKept } from './shelf.ts'
import type { OpenVault } from './vault.ts'

/** What holds when a call comes: how this record locks, and how far others may go. */
export type Holding = { readonly lock: Limits; readonly limits: RightsLimits | null }

const always = (): boolean => true

/**
 * What is done only for somebody who showed lately that they are the owner: whoever finds a screen open can neither give the record away,
 * nor destroy it, nor take it along, nor let himself in for later, nor loosen what protects it. What takes others' access away or protects more is never
 * held up. Input that does not say that it only tightens is taken to loosen.
 */
export const GRAVE = {
  share: always,
  extendShare: always,
  passOn: always,
  makeLink: always,
  addRule: always,
  erase: always,
  eraseSome: always,
  eraseHeld: always,
  eraseAll: always,
  undoImport: always,
  // What it erases goes by itself later; ending it only keeps.
  signRetention: always,
  exportAll: always,
  exportSome: always,
  saveSummary: always,
  admit: always,
  // The owner's own other ways in, and those of whom they trust with them, are what protects against being locked out.
  removeDevice: always,
  rekey: always,
  setUpEmergency: always,
  replaceEmergency: always,
  endEmergency: always,
  wakeNoMore: always,
  bellNoMore: always,
  wakeFor: always,
  chooseWoken: always,
  askGuardians: always,
  setGuardians: always,
  removeGuardian: always,
  endGuardians: always,
  leaveGuarding: always,
  helpBack: always,
  // Nothing is granted unwarned to somebody who is not verified, and a witness watches the relay.
  confirmPerson: always,
  forgetWitness: always,
  setLimits(wanted: Partial<Limits> | null, { lock }: Holding) {
    const next = limitsFrom(wanted ?? {})
    return next.idleMinutes > lock.idleMinutes || next.mostHours > lock.mostHours
  },
  // To freeze, to object and to opt out is never held up; to take any of it back is.
  freeze: (input: { readonly frozen?: boolean; readonly emergency?: boolean } | null, { limits }: Holding) =>
    input?.frozen !== true || (limits?.frozen === true && !limits.emergency && Boolean(input.emergency)),
  objectPurposes: (purposes: readonly string[] | null, { limits }: Holding) =>
    !Array.isArray(purposes) || (limits?.objects ?? []).some(p => !purposes.includes(p)),
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
