import type { Relay } from '@keepwell/sdk/ports/relay'
import type { LinkDoors } from '@keepwell/sdk/relay/links'
import type { Rate } from '#http/rate'

/** What pages, probes and metrics show: counts and states, nothing of anyone's. */
export type RelayStatus = {
  readonly did: string
  readonly url: string
  readonly version: string
  readonly chainId: number
  readonly block: number
  readonly blockTime: number
  readonly log: number
  readonly blocks: number
  readonly bytes: number
  readonly waiting: number
  readonly startedAt: number
}

export type RelayPart = 'ledger' | 'log' | 'envelopes' | 'blocks'

/** A running relay as its HTTP face needs it. */
export type RelayService = {
  readonly relay: Relay
  readonly links: LinkDoors
  /** Text of a JSON-RPC message in, text out; never throws. */
  readonly rpc: (text: string) => Promise<string>
  status(): Promise<RelayStatus>
  /** Whether each part answers now. */
  probe(): Promise<Record<RelayPart, boolean>>
  readonly clock: () => number
}

export type RelayLimits = {
  readonly perCaller: Rate
  /**
   * Look-ups by recovery tag, for each address. A tag has 256 bits, so this holds back load and no guess; a family or a hospital is one
   * address, and an emergency is such a look-up too. There is no limit for all together: whoever reached it would shut everybody out.
   */
  readonly restorePerAddress: Rate
  /** JSON-RPC requests, for each address. */
  readonly rpcPerAddress: Rate
  readonly rpcBatch: number
  /** Openings of health links, for each address. */
  readonly linkPerAddress: Rate
  /** Bells rung, for each address: many custodians may be behind one. */
  readonly ringPerAddress: Rate
  readonly streams: number
  readonly streamsPerCaller: number
}

export const RELAY_LIMITS: RelayLimits = {
  perCaller: { perSecond: 100, burst: 1000 },
  restorePerAddress: { perSecond: 1, burst: 60 },
  rpcPerAddress: { perSecond: 200, burst: 2000 },
  rpcBatch: 50,
  linkPerAddress: { perSecond: 1, burst: 60 },
  ringPerAddress: { perSecond: 1, burst: 60 },
  streams: 512,
  streamsPerCaller: 8,
}
