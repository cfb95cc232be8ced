import { type Keeping, policyKeeper } from '@keepwell/sdk/actions/governance/keep-policies'
import type { PolicyInForce } from '@keepwell/sdk/actions/governance/policy-in-force'
import { isKeepwellError } from '@keepwell/sdk/base/error'

/** The policies that this gateway keeps; null where the consents and roles alone decide. */
export type Policies = {
  current(): PolicyInForce | null
  /** Called when others came into force. */
  onChange(listener: () => void): () => void
}

export type KeptPolicies = Policies & { close(): Promise<void> }

export type PolicyInput = Omit<Keeping, 'breathe'> & {
  readonly failed: (code: string) => void
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

const LOOK = 2000
const breathe = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/**
 * Looks every two seconds at what the ledger names, fetches it, tries it against the floor, and keeps it from then on. What cannot be had or is
 * refused changes nothing: what was kept before goes on, and the operator is told once. Resolves after the first look.
 */
export async function openPolicies({ failed, pause, ...keeping }: PolicyInput): Promise<KeptPolicies> {
  const listeners = new Set<() => void>()
  const stop = new AbortController()
  const keeper = policyKeeper({ ...keeping, breathe })
  const code = (e: unknown): string => (isKeepwellError(e) ? e.code : 'DEFECT')
  await keeper.begin().catch(e => failed(code(e)))
  /** Why the last look took nothing, so that it is told once. */
  let told = ''
  async function look(): Promise<void> {
    try {
      if (await keeper.look()) for (const listener of listeners) listener()
      told = ''
    } catch (e) {
      if (told !== code(e)) failed(code(e))
      told = code(e)
    }
  }
  await look()
  const watching = (async () => {
    while (!stop.signal.aborted) {
      await pause(LOOK, stop.signal).catch(() => {})
      if (!stop.signal.aborted) await look()
    }
  })()
  return {
    current: keeper.current,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async close() {
      stop.abort()
      await watching
    },
  }
}

export const NO_POLICIES: Policies = { current: () => null, onChange: () => () => {} }
