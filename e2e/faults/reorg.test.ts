import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type EmbeddedChain, openChain } from '@keepwell/adapters/ledger/embedded/chain'
import { rpcHandler } from '@keepwell/adapters/ledger/embedded/rpc-handler'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { confirmAnchors } from '@keepwell/sdk/actions/records/confirm-anchors'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { equal } from '@keepwell/sdk/base/bytes'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { afterEach, describe, expect, test } from 'vitest'
import { DEEP } from '#e2e/faults/world'
import { startNetwork } from '#e2e/network'
import { draft, introduce, read, share } from '#e2e/story'

const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

type Engine = {
  readonly url: string
  height(): Promise<number>
  /** Goes on with another branch: the blocks up to `height` stay, and as many empty ones take the place of the rest, and one more. */
  reorganise(height: number): Promise<void>
}

/** An engine of its own over HTTP, whose history can be taken back: a copy of the first blocks goes on as the chain. */
async function startEngine(): Promise<Engine> {
  const options = { dir: null, chainId: 2 ** 40 + 77, clock: () => Math.floor(Date.now() / 1000), limits: { gapMilliseconds: 500 } }
  let chain: EmbeddedChain = await openChain(options)
  let changing: Promise<void> = Promise.resolve()
  const handle = rpcHandler({ request: call => chain.request(call as never) })
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    await changing
    response.setHeader('content-type', 'application/json')
    response.end(await handle(Buffer.concat(parts).toString()))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const height = async () => Number(await chain.request({ method: 'eth_blockNumber', params: [] } as never))
  // A steady pace, so that confirmations come.
  const beat = setInterval(() => void changing.then(() => chain.beat()).catch(() => {}), 60)
  opened.push(async () => {
    clearInterval(beat)
    server.closeAllConnections()
    await new Promise(done => server.close(done))
    await chain.close()
  })
  async function branch(to: number): Promise<void> {
    const blocks: Uint8Array[] = []
    const before = await height()
    for await (const block of chain.exportBlocks()) if (blocks.length <= to) blocks.push(block)
    const next = await openChain(options)
    await next.importBlocks(blocks)
    for (let n = to; n <= before; n++) await next.beat()
    const old = chain
    chain = next
    await old.close()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    height,
    reorganise: to => {
      changing = branch(to)
      return changing
    },
  }
}

async function story(confirmations: string) {
  const engine = await startEngine()
  const settings = { KEEPWELL_LEDGER: engine.url, KEEPWELL_CONFIRMATIONS: confirmations }
  const network = await startNetwork({ homes: [{ name: 'home', settings }, { name: 'clinic' }] })
  opened.push(() => network.close())
  const patient = await network.party('Ada Example', 'home')
  const clinic = await network.party('Clinic West', 'clinic')
  await introduce(patient, clinic)
  await fileRecords(patient, [draft(patient, 'laboratory', 'one')])
  return { engine, network, patient, clinic }
}

describe('T17: a ledger that takes blocks back', () => {
  test('deeper than it was trusted: a revoked reader stays refused, an unwritten consent gives nothing, a lost anchor is named and never called confirmed', async () => {
    const { engine, network, patient, clinic } = await story('1')
    const relay = network.home('home').open.relay
    const first = await share(patient, clinic, ['laboratory'])
    const before = await engine.height()
    const second = await share(patient, clinic, ['laboratory'])
    await relay.anchor()
    await revoke(patient, first)
    expect(await codeOf(() => read(clinic, first))).toBe('DENIED')
    await read(clinic, second)
    await engine.reorganise(before)

    const { ledger } = network.home('home').open
    const held = receivedGrants(clinic).find(g => equal(g.grant.commitment, first))!
    expect((await ledger.consents.slot(held.terms.holder, first))?.state, 'the ledger has forgotten the revocation').toBe('live')
    expect(await codeOf(() => read(clinic, first)), 'the relay has not').toBe('DENIED')
    expect(await codeOf(() => read(clinic, second)), 'a consent that is not on the ledger is none').toBe('DENIED')
    const anchors = await confirmAnchors(patient, await listEntries(patient))
    expect({ confirmed: anchors.confirmed, wrong: anchors.wrong.length }).toEqual({ confirmed: 0, wrong: 1 })
    expect((await verifyTrail(patient)).problems, 'the relay’s own log is as it was').toEqual([])
    expect(await codeOf(() => revoke(patient, first)), 'and it can be written again').toBe('no error')
    expect((await ledger.consents.slot(held.terms.holder, first))?.state).toBe('revoked')
  })

  const DEPTHS = DEEP ? [1, 2, 3, 4, 5, 6] : [3]
  test.each(DEPTHS)('%d blocks, with more confirmations than that: everything acknowledged stands', async depth => {
    const { engine, network, patient, clinic } = await story(String(depth + 2))
    const relay = network.home('home').open.relay
    let stop = false
    const storm = (async () => {
      for (let n = 0; !stop && n < 6; n++) {
        await new Promise(done => setTimeout(done, 250))
        await engine.reorganise((await engine.height()) - depth)
      }
    })()
    const kept = await share(patient, clinic, ['laboratory'])
    await relay.anchor()
    const ended = await share(patient, clinic, ['laboratory'])
    await revoke(patient, ended)
    stop = true
    await storm
    await expect
      .poll(() =>
        read(clinic, kept).then(
          r => r.records.length,
          e => e.code,
        ),
      )
      .toBe(1)
    expect(await codeOf(() => read(clinic, ended))).toBe('DENIED')
    const { ledger } = network.home('home').open
    const slot = async (commitment: Uint8Array) => {
      const given = patient.session.state.ring.given.find(g => equal(g.commitment, commitment))!
      const held = receivedGrants(clinic).find(g => equal(g.grant.commitment, commitment))
      return held ? (await ledger.consents.slot(held.terms.holder, given.commitment))?.state : 'withdrawn'
    }
    await expect.poll(() => slot(kept)).toBe('live')
    const confirmed = async () => confirmAnchors(patient, await listEntries(patient))
    await expect.poll(confirmed).toEqual({ confirmed: 1, waiting: 0, wrong: [] })
    expect((await verifyTrail(patient)).problems).toEqual([])
  })
})
