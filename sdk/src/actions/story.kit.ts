import { utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { sha256, sha256Stream } from '#crypto/hash'
import { memoryCatalog } from '#memory/catalog'
import { memoryLedger } from '#memory/ledger'
import { memoryNetwork } from '#memory/network'
import { type MemoryRelay, memoryRelay } from '#memory/relay'
import type { Network, Relay } from '#ports/relay'
import type { Draft } from '#records/pack'
import type { Ctx } from './context.ts'
import { compartmentNamed } from './records/secrets.ts'
import { createVault } from './vault/create-vault.ts'

/** A stream of bytes that looks random and is the same in every run. */
export function seededRandom(seed: string): (length: number) => Uint8Array {
  let counter = 0
  return length => {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at += 32) {
      const hash = sha256Stream()
      hash.update(utf8(`${seed}/${counter++}`))
      out.set(hash.digest().subarray(0, Math.min(32, length - at)), at)
    }
    return out
  }
}

export type World = {
  now: number
  readonly network: Network
  readonly homes: Map<string, MemoryRelay>
  readonly random: (length: number) => Uint8Array
  readonly clock: () => number
}

/**
 * Homes with a relay and a ledger each, or on one ledger, in one process, on one clock that the test moves. Their ledgers have one chain id,
 * unless each is to have its own, as outside of tests.
 */
export async function world(urls: readonly string[], seed = 'world', ledgers?: 'one ledger' | 'own chains'): Promise<World> {
  const state = { now: 1_790_000_000 }
  const clock = () => state.now
  const random = seededRandom(seed)
  const homes = new Map<string, MemoryRelay>()
  const one = ledgers === 'one ledger' ? { ledger: memoryLedger({ chainId: 0x4b57, clock }) } : {}
  for (const [i, url] of urls.entries()) {
    const own = ledgers === 'own chains' ? { chainId: 0x4b57 + i } : {}
    homes.set(url, await memoryRelay({ clock, random, url, ...one, ...own }))
  }
  return {
    get now() {
      return state.now
    },
    set now(value: number) {
      state.now = value
    },
    network: memoryNetwork(homes),
    homes,
    random,
    clock,
  }
}

export async function person(w: World, name: string, relay: string): Promise<Ctx & { words: string }> {
  const base = { clock: w.clock, random: w.random, network: w.network }
  const { session, words } = await createVault(base, { name, relay, deviceName: 'test' })
  return { ...base, catalog: memoryCatalog(), session, words }
}

/** Bytes that travel to and from the relay at `url` while something is done. */
export async function travelled(w: World, url: string, work: () => Promise<unknown>): Promise<number> {
  const { relay } = w.homes.get(url)!
  const { call } = relay
  let bytes = 0
  const counted: Relay['call'] = async (method, c) => {
    const answer = await call(method, c)
    bytes += encode(c).length + encode(answer).length
    return answer
  }
  Object.assign(relay, { call: counted })
  await work().finally(() => Object.assign(relay, { call }))
  return bytes
}

/** A FHIR-like record for a compartment of the own vault. */
export function draft(
  ctx: Ctx,
  compartment: string,
  title: string,
  body: Uint8Array = utf8(JSON.stringify({ resourceType: 'Observation', title })),
): Draft {
  return {
    id: ctx.random(16),
    kind: 'fhir',
    mediaType: 'application/fhir+json',
    compartment: compartmentNamed(ctx.session.state.ring, compartment).id,
    authoredAt: ctx.clock(),
    body,
    facts: { resourceType: 'Observation', title, codes: [], canonical: sha256(body) },
  }
}
