import { decode, encode } from '#base/cbor'
import { cidBytes, rawCid } from '#base/cid'
import { isKeepwellError, KeepwellError } from '#base/error'
import { epochOf } from '#base/time'
import { sha256 } from '#crypto/hash'
import { type Call, signCall } from '#identity/call'
import { sign } from '#identity/signed'
import { memoryRelay } from '#memory/relay'
import type { Block } from '#ports/blocks'
import * as kit from '#ports/party.kit'
import type { Relay } from '#ports/relay'
import type { EnvelopeGroup } from '#records/envelope'
import type { Body, MethodName } from '#wire/methods'
import { type RelayContext, relayMemory } from './context.ts'
import { faulty, type Plan } from './faulty.kit.ts'
import { createRelay, type Upkeep } from './relay.ts'

/** The code of what `work` throws: what a caller can rely on. */
export async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
  } catch (e) {
    return isKeepwellError(e) ? e.code : String(e)
  }
  return 'no error'
}

type Push = 'taken' | 'gone' | 'down'

/** Devices behind push services that answer as the test says; which were woken, by their endpoints. */
const waking =
  (state: { readonly push: Push; readonly woken: string[] }): RelayContext['wake'] =>
  async ({ endpoint }) => {
    state.woken.push(endpoint)
    if (state.push === 'down') throw new KeepwellError('PEER_FAILED', 'The push service does not answer.')
    return state.push
  }

/** One relay over memory ports with parties that have real keys, on a clock that the test moves. Nothing inside envelopes is sealed. */
export async function desk(name: string, plan?: Plan) {
  const state = { time: 1_790_000_000, drawn: 0, push: 'taken' as Push, woken: [] as string[] }
  const random = (length: number): Uint8Array => {
    const out = new Uint8Array(length)
    for (let at = 0; at < length; at += 32) out.set(sha256(encode([name, state.drawn++])).subarray(0, length - at), at)
    return out
  }
  const made = await memoryRelay({ clock: () => state.time, random, wake: waking(state) })
  const context: RelayContext = plan ? faulty(made.context, plan) : made.context
  let relay: Relay & Upkeep = createRelay(context)
  const home: kit.Home = {
    chainId: made.ledger.chainId,
    manifest: decode((await relay.info()).manifest) as kit.Home['manifest'],
    url: relay.url,
    relay: context.keys.did,
  }
  const sending = () => ({ relay: home.relay, time: state.time, nonce: random(16) })
  const signed = (p: kit.TestParty, method: string, body: unknown): Call => signCall(p, { method, body, ...sending() })
  const callAs = <M extends MethodName>(p: kit.TestParty, method: M, body: Body<M>) =>
    relay.call(method, kit.callOf(p, method, body, sending()))
  const block = (length = 200): Block => {
    const bytes = random(length)
    return { cid: rawCid(sha256(bytes)), bytes }
  }

  async function party(): Promise<kit.TestParty> {
    const p = await kit.makeParty(home, state.time, random)
    await callAs(p, 'enroll', { bundle: p.bundle })
    return p
  }

  async function vault() {
    const p = await party()
    const compartments = [await kit.makeCompartment(state.time, random), await kit.makeCompartment(state.time, random)]
    const calendar = await kit.calendarOf(p, compartments, 1, state.time)
    await callAs(p, 'put-calendar', { calendar, pages: compartments.map(c => ({ compartment: c.id, page: c.page })) })
    return { ...p, compartments, calendar, general: compartments[0]!.id, other: compartments[1]!.id }
  }
  type DeskVault = Awaited<ReturnType<typeof vault>>

  const groupFor = (v: { did: string }, compartment: Uint8Array, payloads: readonly Block[]): EnvelopeGroup =>
    kit.makeGroup({ vault: v.did, compartment, time: state.time, cids: payloads.map(b => cidBytes(b.cid)) }, random)

  const putBlocks = (p: kit.TestParty, v: { did: string }, blocks: readonly Block[], terms?: Uint8Array) =>
    relay.putBlocks(signed(p, 'put-blocks', { vault: v.did, ...(terms ? { terms } : {}) }), blocks)

  async function file(v: DeskVault, payloads: readonly Block[], compartment = v.general) {
    await putBlocks(v, v, payloads)
    const group = groupFor(v, compartment, payloads)
    return { group, ...(await callAs(v, 'submit', { vault: v.did, groups: [group], purpose: 'PATRQT' })) }
  }

  async function granted(v: DeskVault, grantee: kit.TestParty, wanted: Partial<Parameters<typeof kit.makeConsent>[2]> = {}) {
    const consent = await kit.makeConsent(
      home,
      v,
      { grantee: grantee.did, level: 'read', compartments: [v.general], ...wanted },
      state.time,
      random,
    )
    await callAs(v, 'meta', kit.grantBody(home, consent, state.time))
    return consent
  }

  const open = (p: kit.TestParty, v: { did: string }, ids: Uint8Array[], terms?: Uint8Array) =>
    callAs(p, 'access', {
      vault: v.did,
      action: 'open',
      selection: { ids },
      purpose: terms ? 'TREAT' : 'PATRQT',
      ...(terms ? { terms } : {}),
    })
  const list = (p: kit.TestParty, v: { did: string }, selection: Body<'access'>['selection'] = {}, terms?: Uint8Array) =>
    callAs(p, 'access', { vault: v.did, action: 'list', selection, purpose: terms ? 'TREAT' : 'PATRQT', ...(terms ? { terms } : {}) })
  const erase = async (v: kit.TestParty, ids: Uint8Array[]) =>
    callAs(v, 'erase', { tombstone: await sign(v, 'tombstone', { v: 1, vault: v.did, ids, at: state.time }) })
  async function fetched(capability: Uint8Array, cids: readonly string[]): Promise<Block[]> {
    const out: Block[] = []
    for await (const b of relay.getBlocks(capability, cids)) out.push(b)
    return out
  }

  return {
    state,
    random,
    context,
    /** The ports themselves, without faults. */
    ports: made.context,
    ledger: made.ledger,
    home,
    get relay() {
      return relay
    },
    /** A new process over the same ports: everything in memory is forgotten, and recovery runs as at every start. */
    async restart() {
      relay = createRelay({ ...context, memory: relayMemory() })
      await relay.recover()
    },
    epoch: () => epochOf(state.time),
    signed,
    callAs,
    block,
    party,
    vault,
    groupFor,
    putBlocks,
    file,
    granted,
    open,
    list,
    erase,
    fetched,
  }
}
export type Desk = Awaited<ReturnType<typeof desk>>
export type DeskVault = Awaited<ReturnType<Desk['vault']>>
