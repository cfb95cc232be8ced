import type { Plea } from '@keepwell/sdk/wire/guardians'
import type { GuardedView, InCharge, PleaView } from '#rpc/guardians.ts'
import type { OpenVault, Tell } from './vault.ts'

/** Few days of a life need guardians: what they need comes when it is wanted. */
const work = () => import('./guardians.ts')

/** Choosing guardians, and being one. */
export const guardiansApi = (open: () => OpenVault, tell: Tell) => {
  let seen: Plea | null = null
  const changed = async <T>(doing: Promise<T>): Promise<T> => {
    try {
      return await doing
    } finally {
      tell('guardians')
    }
  }
  return {
    guardians: async (_: null) => (await work()).guardians(open()),
    askGuardians: async (dids: readonly string[]) => changed((await work()).ask(open(), dids)),
    setGuardians: async (input: InCharge) => changed((await work()).set(open(), input)),
    dealShares: async (_: null) => (await work()).deal(open()),
    drillGuardians: async (_: null) => changed((await work()).drill(open())),
    removeGuardian: async (did: string) => void (await changed((await work()).remove(open(), did))),
    endGuardians: async (_: null) => changed((await work()).end(open())),
    async guarding(_: null): Promise<GuardedView[]> {
      const vault = open()
      return vault.ctx.session.state.ring.guarding?.length ? (await work()).guarding(vault) : []
    },
    acceptGuarding: async (did: string) => changed((await work()).accept(open(), did)),
    leaveGuarding: async (did: string) => void (await changed((await work()).leave(open(), did))),
    async readPlea(link: string): Promise<PleaView> {
      const { plea, view } = await (await work()).seePlea(open(), link)
      seen = plea
      return view
    },
    async helpBack(did: string): Promise<void> {
      await (await work()).help(open(), seen, did)
      seen = null
    },
  }
}
