import type { RandomBytes } from '#base/bytes'
import type { SigningSecret } from '#crypto/sign'
import type { Bundle } from '#identity/bundle'
import type { Did } from '#identity/did'
import type { WakeDevice } from '#identity/wake'
import type { BlockStore } from '#ports/blocks'
import type { Clock } from '#ports/clock'
import type { EnvelopeStore, ShredKeys } from '#ports/envelopes'
import type { Ledger } from '#ports/ledger'
import type { Log } from '#ports/log'

/** The relay's own keys: a party like any other, whose request key is also its log key and ledger account. */
export type RelayKeys = {
  readonly did: Did
  readonly version: number
  readonly signing: SigningSecret
  readonly request: Uint8Array
  readonly bundle: Bundle
  /** Authenticates capabilities; random, 32 bytes. */
  readonly mac: Uint8Array
}

export type RelaySettings = {
  readonly url: string
  readonly version: string
  /** Engines that mine on demand have an old head when idle; only engines with a steady pace can be called behind. */
  readonly ledgerPace: 'on-demand' | 'steady'
  readonly maxVaults: number
  readonly maxMessages: number
}

/** The powers of a relay: no key that opens anything of anyone's. */
export type RelayContext = {
  readonly keys: RelayKeys
  readonly settings: RelaySettings
  readonly ledger: Ledger
  readonly blocks: BlockStore
  readonly envelopes: EnvelopeStore
  readonly shred: ShredKeys
  readonly log: Log
  /**
   * Wakes a device over Web Push to say that there is news, and nothing else. `gone`: its push service knows it no more, or its address may not
   * be asked. Throws PEER_FAILED.
   */
  readonly wake: (device: WakeDevice) => Promise<'taken' | 'gone'>
  readonly clock: Clock
  readonly random: RandomBytes
  readonly memory: RelayMemory
}

/** What a running relay remembers and may forget at a restart. */
export type RelayMemory = {
  readonly nonces: Map<string, number>
  readonly bucketKeys: Map<string, Uint8Array>
  readonly listeners: Map<Did, Set<(word: string) => void>>
  readonly queues: Map<string, Promise<unknown>>
  /** Vaults whose last receipt may lack its leaf: what storage answered is not known until the log has it. */
  readonly unlogged: Set<Did>
  /** When links were last swept, Unix seconds. */
  readonly sweptLinks: { at: number }
  /** When bells were rung within the last hour, Unix seconds; kept nowhere else, for it would tell when somebody was in need. */
  readonly rung: Map<Did, readonly number[]>
}

export const relayMemory = (): RelayMemory => ({
  nonces: new Map(),
  bucketKeys: new Map(),
  listeners: new Map(),
  queues: new Map(),
  unlogged: new Set(),
  sweptLinks: { at: 0 },
  rung: new Map(),
})

/** Tells whoever listens for `did` that something waits. */
export function notify(ctx: Pick<RelayContext, 'memory'>, did: Did, word: 'messages' | 'records' | 'receipts'): void {
  for (const tell of ctx.memory.listeners.get(did) ?? []) tell(word)
}

/** Runs `work` after all earlier work of the same name. */
export async function inTurn<T>(ctx: Pick<RelayContext, 'memory'>, name: string, work: () => Promise<T>): Promise<T> {
  const run = (ctx.memory.queues.get(name) ?? Promise.resolve()).then(work)
  const settled = run.catch(() => {})
  ctx.memory.queues.set(name, settled)
  try {
    return await run
  } finally {
    if (ctx.memory.queues.get(name) === settled) ctx.memory.queues.delete(name)
  }
}
