import type { Session } from '@keepwell/sdk/actions/context'
import { ensure } from '@keepwell/sdk/base/error'
import type { Pleading } from '#rpc/guardians.ts'
import type { Call } from '#rpc/rpc.ts'
import type { Me, Unlock } from '#rpc/views.ts'
import type { Begun } from './pleading.ts'
import { keptPleas, openPlea } from './shelf.ts'

/** Loaded by whoever lost everything, and by nobody else. */
const work = () => import('./pleading.ts')

/** Coming back in with the guardians' help, on a browser that has nothing. It may take days: what was begun is kept under its lock. */
export function pleadingApi(origin: string, enter: (session: Session) => Promise<Me>) {
  let begun: Begun | null = null
  let back: Session | null = null
  const now = (): Begun => {
    ensure(begun, 'LOCKED', 'Open the recovery first.')
    return begun
  }
  return {
    pleas: async (_: null) => keptPleas(),
    async beginPlea(input: { readonly device: string; readonly unlock: Unlock }): Promise<Pleading> {
      const { begin, status } = await work()
      begun = await begin(origin, input)
      return status(origin, begun)
    },
    async openPlea({ did, unlock }: { readonly did: string; readonly unlock: Unlock }): Promise<Pleading> {
      const open = await openPlea(did, unlock)
      const { pleaCode } = await import('@keepwell/sdk/actions/guardians/plead')
      begun = { open, unlock, digits: await pleaCode(open.plea) }
      return (await work()).status(origin, begun)
    },
    pleaStatus: async (_: null) => (await work()).status(origin, now()),
    startRound: async (_: null) => (await work()).startRound(origin, now()),
    /** The new words, shown once. */
    async finishRecovery(_: null, call: Call): Promise<readonly string[]> {
      const { session, words } = await (await work()).finish(origin, now(), call)
      begun = null
      back = session
      return words
    },
    /** Opens what came back. */
    async enterRecovered(_: null): Promise<Me> {
      ensure(back, 'NOT_FOUND', 'Nothing came back yet.')
      return enter(back)
    },
    async dropPlea(_: null): Promise<void> {
      await (await work()).drop(origin, now())
      begun = null
    },
  }
}
