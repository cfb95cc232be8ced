import { randomBytes } from 'node:crypto'
import { decode } from '@keepwell/sdk/base/cbor'
import { cidBytes, rawCid } from '@keepwell/sdk/base/cid'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { signCall } from '@keepwell/sdk/identity/call'
import type { Block } from '@keepwell/sdk/ports/blocks'
import * as kit from '@keepwell/sdk/ports/party.kit'
import type { Relay } from '@keepwell/sdk/ports/relay'
import type { EnvelopeItem } from '@keepwell/sdk/records/envelope'
import type { Body, MethodName } from '@keepwell/sdk/wire/methods'

const systemClock = () => Math.floor(Date.now() / 1000)
const random = (length: number) => new Uint8Array(randomBytes(length))

export type TestVault = Awaited<ReturnType<typeof enrolVault>>

/** A vault that files random bytes at a relay and asks for them back. */
export async function enrolVault(relay: Relay) {
  const info = await relay.info()
  const home: kit.Home = { chainId: info.chainId, manifest: decode(info.manifest) as kit.Home['manifest'], url: relay.url, relay: info.did }
  const party = await kit.makeParty(home, systemClock(), random)
  const compartment = await kit.makeCompartment(systemClock(), random)
  const sending = () => ({ relay: home.relay, time: systemClock(), nonce: random(16) })
  const call = <M extends MethodName>(method: M, body: Body<M>) => relay.call(method, kit.callOf(party, method, body, sending()))
  await call('enroll', { bundle: party.bundle })
  const calendar = await kit.calendarOf(party, [compartment], 1, systemClock())
  await call('put-calendar', { calendar, pages: [{ compartment: compartment.id, page: compartment.page }] })

  return {
    did: party.did,
    call,
    /** A signed call of a method that has its own door. */
    sign: (method: string, body: unknown) => signCall(party, { method, body, ...sending() }),
    /** Files one record; resolves when the relay has acknowledged it. */
    async file(length = 2000): Promise<{ item: EnvelopeItem; payload: Block }> {
      const bytes = random(length)
      const payload = { cid: rawCid(sha256(bytes)), bytes }
      const auth = signCall(party, { method: 'put-blocks', body: { vault: party.did }, ...sending() })
      await relay.putBlocks(auth, [payload])
      const group = kit.makeGroup(
        { vault: party.did, compartment: compartment.id, time: systemClock(), cids: [cidBytes(payload.cid)] },
        random,
      )
      await call('submit', { vault: party.did, groups: [group], purpose: 'PATRQT' })
      return { item: group.items[0]!, payload }
    },
    /** Opens records with their payloads. */
    async open(ids: Uint8Array[]) {
      const answer = await call('access', { vault: party.did, action: 'open', selection: { ids }, purpose: 'PATRQT' })
      const items = answer.groups.flatMap(g => g.items)
      const payloads: Block[] = []
      for await (const b of relay.getBlocks(
        answer.capability,
        items.map(i => rawCid(i.cid.subarray(4))),
      ))
        payloads.push(b)
      return { items, payloads, capability: answer.capability }
    },
  }
}
