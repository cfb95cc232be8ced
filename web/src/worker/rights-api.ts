import { limitsOf } from '@keepwell/sdk/actions/rights/ring'
import type { KeepRules } from '#rpc/retention.ts'
import type { AnswerRight, AskRight } from '#rpc/rights.ts'
import type { OpenVault, Tell } from './vault.ts'

/** Rights are looked at on few days of a life: what they need comes when it is wanted. */
const own = () => import('./rights.ts')
const keeping = () => import('./retention.ts')

/** Freezing, objecting, opting out; how long what is kept; and rights asked of others, and by them. */
export const rightsApi = (open: () => OpenVault, tell: Tell) => {
  const changed = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } finally {
      tell('rights')
    }
  }
  return {
    /** Whether the record is frozen, and since when: what every screen says. */
    async frozen(_: null) {
      const found = limitsOf(open().ctx.session.state.ring)
      return found?.since ? { since: found.since, confirmed: found.confirmed !== null } : null
    },
    rights: async (_: null) => (await own()).rights(open()),
    freeze: async (input: { readonly frozen: boolean; readonly emergency?: boolean }) => changed((await own()).freeze(open(), input)),
    objectPurposes: async (purposes: readonly string[]) => changed((await own()).objectPurposes(open(), purposes)),
    closeToNew: async (closed: boolean) => changed((await own()).closeToNew(open(), closed)),
    confirmLimits: async (_: null) => changed((await own()).confirm(open())),
    limitsProof: async (_: null) => (await own()).proof(open()),
    deadlines: async (_: null) => (await own()).deadlines(),
    askRight: async (input: AskRight) => changed((await own()).ask(open(), input)),
    answerRight: async (input: AnswerRight) => changed((await own()).answer(open(), input)),
    retention: async (_: null) => (await keeping()).retention(open()),
    simulateRetention: async (wanted: KeepRules) => (await keeping()).simulateRetention(open(), wanted),
    signRetention: async (wanted: KeepRules & { readonly plan: string }) => changed((await keeping()).signRetention(open(), wanted)),
    stopRetention: async (_: null) => changed((await keeping()).stopRetention(open())),
    disagree: async (input: { readonly id: string; readonly text: string }) => changed((await own()).object(open(), input)),
  }
}
