import type { Ctx } from '@keepwell/sdk/actions/context'
import { fetchPolicies, namedPolicy, type PolicyInForce, readPolicies } from '@keepwell/sdk/actions/governance/policy-in-force'
import { equal } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { PolicyEngine } from '@keepwell/sdk/ports/policy-engine'

/** The policies that this gateway keeps; null where the consents and roles alone decide. */
export type Policies = {
  current(): PolicyInForce | null
  /** Called when others came into force. */
  onChange(listener: () => void): () => void
}

export type KeptPolicies = Policies & { close(): Promise<void> }

export type PolicyInput = {
  readonly ctx: Pick<Ctx, 'network' | 'session'>
  readonly engine: () => Promise<PolicyEngine>
  /** Where the bundle in force lies, so that a start without a ledger keeps it. */
  readonly kept: { read(): Promise<Uint8Array | null>; write(bytes: Uint8Array | null): Promise<void> }
  readonly failed: (code: string) => void
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

const LOOK = 2000
const breathe = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/**
 * Looks every two seconds at what the ledger names, fetches it, tries it against the floor, and keeps it from then on. What cannot be had or is
 * refused changes nothing: what was kept before goes on, and the operator is told once. Resolves after the first look.
 */
export async function openPolicies({ ctx, engine, kept, failed, pause }: PolicyInput): Promise<KeptPolicies> {
  const listeners = new Set<() => void>()
  const stop = new AbortController()
  let loading: Promise<PolicyEngine> | undefined
  const read = async (bytes: Uint8Array): Promise<PolicyInForce> => {
    loading ??= engine()
    return readPolicies(await loading, bytes, breathe)
  }
  const code = (e: unknown): string => (isKeepwellError(e) ? e.code : 'DEFECT')

  const before = await kept.read()
  let current: PolicyInForce | null = null
  if (before)
    current = await read(before).catch(e => {
      failed(code(e))
      return null
    })
  /** Why the last look took nothing, so that it is told once; and what was refused, so that it is not tried again and again. */
  let told = ''
  let refused: Uint8Array | null = null

  async function look(): Promise<void> {
    const named = await namedPolicy(ctx)
    if (named ? current && equal(current.hash, named) : current === null) return
    if (named && refused && equal(named, refused)) return
    const bytes = named && (await fetchPolicies(ctx, named))
    refused = null
    const next =
      bytes &&
      (await read(bytes).catch(e => {
        refused = named
        throw e
      }))
    await kept.write(bytes)
    current = next
    for (const listener of listeners) listener()
  }
  const tried = (): Promise<void> =>
    look().then(
      () => {
        told = ''
      },
      e => {
        if (told !== code(e)) failed(code(e))
        told = code(e)
      },
    )
  await tried()
  const watching = (async () => {
    while (!stop.signal.aborted) {
      await pause(LOOK, stop.signal).catch(() => {})
      if (!stop.signal.aborted) await tried()
    }
  })()
  return {
    current: () => current,
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
