import type { Handlers } from '#rpc/rpc.ts'
import type { Presence } from './presence.ts'
import type { Holding } from './presence-api.ts'

type Guarding<H> = {
  readonly state: { readonly here: Presence | null; readonly opening: { readonly done: Promise<unknown> } | null }
  readonly closeIfOver: () => void
  // biome-ignore lint/suspicious/noExplicitAny: what each call takes
  readonly grave: Readonly<Record<string, (input: any, now: Holding) => boolean>>
  /** What holds now, of the vault that is open; null while none is. */
  readonly holding: () => Holding | null
  readonly handlers: H
}

/**
 * Every call waits until the vault that is being opened is open, and fails as the opening does. A device that wakes up is asked before
 * its timers look, so each call looks first; what is grave wants a fresh proof; and long work that goes on keeps the record open.
 */
export function guarded<H extends Handlers>({ state, closeIfOver, grave, holding, handlers }: Guarding<H>): H {
  const waiting = Object.entries(handlers).map(([name, handle]): [string, Handlers[string]] => [
    name,
    async (input, call) => {
      closeIfOver()
      await state.opening?.done
      const now = Object.hasOwn(grave, name) ? holding() : null
      if (now && grave[name]?.(input, now)) state.here?.ensureFresh()
      const progress = (value: unknown): void => {
        state.here?.seen()
        call.progress(value)
      }
      return handle(input, { ...call, progress })
    },
  ])
  return Object.fromEntries(waiting) as H
}
