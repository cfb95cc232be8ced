import type { CallOptions, Client, Handlers } from '#rpc/rpc.ts'

/**
 * The vault's calls, where one that is refused for want of a fresh proof asks for it and is made once more, as it was: nobody has to
 * begin again. `ask` gives false when the person turns it down; then the call fails as it did.
 */
export const proving = <H extends Handlers>(api: Client<H>, ask: (method: string, signal?: AbortSignal) => Promise<boolean>): Client<H> =>
  new Proxy(api, {
    get: (_, method: string) => async (input: never, options?: CallOptions) => {
      const call = api[method] as (input: never, options?: CallOptions) => Promise<unknown>
      try {
        return await call(input, options)
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'PROVE_AGAIN' || !(await ask(method, options?.signal))) throw error
        return call(input, options)
      }
    },
  })
