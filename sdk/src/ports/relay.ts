import type { LogHead } from '#audit/head'
import type { Cid } from '#base/cid'
import type { Bundle } from '#identity/bundle'
import type { Call } from '#identity/call'
import type { Did } from '#identity/did'
import type { Message } from '#identity/message'
import type { Answer, MethodName, PublicCalendar, RelayInfo, Restored } from '#wire/methods'
import type { Block } from './blocks.ts'
import type { Ledger } from './ledger.ts'

/**
 * A party's one door to a relay.
 *
 * - `call` sends a signed call; the answer has the method's shape (`wire/methods`). A refusal throws the KeepwellError the relay gave.
 * - `ring` wakes the devices of `to` to look, if `bell` is the one it set; whether it is, nothing says.
 * - `putBlocks` stores payload blocks; `auth` is a signed call of method `put-blocks` with body {vault, terms?}. Durable when it resolves,
 *   and their bytes are the caller's again.
 * - `getBlocks` yields the blocks it has among those asked, in the order asked, checked against their CIDs. `capability` is what `access` gave.
 * - `bundle`, `calendar`, `page`, `restore`: null when unknown here. `policy`: a bundle of policies by its hash, if its ledger names it; null else.
 * - `consistency` and `head` prove that the log only grew.
 * - `events` yields `ready` once it listens, for what came before must be asked for; then a short word whenever something waits for the
 *   caller: `messages`, `records`, `receipts`.
 * - An unreachable relay throws RELAY_UNREACHABLE. Nothing is retried inside.
 */
export interface Relay {
  readonly url: string
  info(): Promise<RelayInfo>
  call<M extends MethodName>(method: M, call: Call): Promise<Answer<M>>
  send(message: Message): Promise<void>
  ring(to: Did, bell: Uint8Array): Promise<void>
  putBlocks(auth: Call, blocks: readonly Block[]): Promise<void>
  getBlocks(capability: Uint8Array, cids: readonly Cid[], signal?: AbortSignal): AsyncIterable<Block>
  bundle(did: Did, version?: number): Promise<Bundle | null>
  calendar(did: Did): Promise<PublicCalendar | null>
  page(did: Did, compartment: Uint8Array): Promise<Uint8Array | null>
  restore(tag: Uint8Array): Promise<Restored | null>
  policy(hash: Uint8Array): Promise<Uint8Array | null>
  head(): Promise<LogHead>
  consistency(from: number, to: number): Promise<Uint8Array[]>
  events(auth: Call, signal: AbortSignal): AsyncIterable<string>
}

/** Other homes by the URL in a key bundle: their relay, and a reading door to their ledger. */
export interface Network {
  relay(url: string): Promise<Relay>
  ledger(url: string): Promise<Ledger>
}
