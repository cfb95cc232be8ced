import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { toHex, u32be, utf8 } from '@keepwell/sdk/base/bytes'
import { signConsentGrant } from '@keepwell/sdk/consent/typed-data'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { secpAddress } from '@keepwell/sdk/crypto/secp'
import type { Ledger } from '@keepwell/sdk/ports/ledger'
import { encodeFunctionData } from 'viem/utils'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type EmbeddedChain, openChain } from '#ledger/embedded/chain'
import { ABIS } from './contracts.ts'
import { deployContracts } from './deploy.ts'
import { currentFees } from './fees.ts'
import { finality } from './finality.ts'
import { OPERATOR, STRANGER } from './ledger.kit.ts'
import { type EvmLedgerOptions, openEvmLedger } from './ledger.ts'
import type { Request } from './request.ts'
import { asciiWord, asHex, hex, quantity, sleep } from './values.ts'
import { openWriter } from './writer.ts'

const CHAIN = 0xfa17
const POLL = 5
const clock = () => 1_790_000_000

let chain: EmbeddedChain
let manifest: Awaited<ReturnType<typeof deployContracts>>
let drawn = 0
const fresh = () => sha256(utf8('faults'), u32be(++drawn))
const direct: Request = call => chain.request(call)
const open = (options: Partial<EvmLedgerOptions> & { request?: Request } = {}): Promise<Ledger> =>
  openEvmLedger({ request: direct, chainId: CHAIN, manifest, secret: OPERATOR, poll: POLL, ...options } as EvmLedgerOptions)
const count = async (address: string) => Number(await direct({ method: 'eth_getTransactionCount', params: [address, 'latest'] }))
const height = async () => Number(await direct({ method: 'eth_blockNumber' }))
const writerOf = (secret: Uint8Array) =>
  openWriter({ request: direct, chainId: CHAIN, secret, finality: finality(direct, 1), poll: POLL, patience: 10_000 })
const nodeRefusal = (message: string, code = -32000) => Object.assign(new Error(message), { code })

beforeEach(async () => {
  chain = await openChain({ dir: null, chainId: CHAIN, clock })
  manifest = await deployContracts({ request: direct, chainId: CHAIN, secret: OPERATOR, poll: POLL })
})
afterEach(() => chain.close())

describe('opening', () => {
  test('an engine of another chain is refused', async () => {
    await expect(open({ chainId: CHAIN + 1 })).rejects.toMatchObject({ code: 'LEDGER_CHAIN_MISMATCH' })
    const deploy = deployContracts({ request: direct, chainId: CHAIN + 1, secret: OPERATOR })
    await expect(deploy).rejects.toMatchObject({ code: 'LEDGER_CHAIN_MISMATCH' })
  })

  test('a manifest that names an address without a contract is refused', async () => {
    const wrong = { ...manifest, 'AuditTrail@1': `0x${'12'.repeat(20)}` }
    await expect(open({ manifest: wrong })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const deploy = deployContracts({ request: direct, chainId: CHAIN, secret: OPERATOR, manifest: wrong })
    await expect(deploy).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('without a key the ledger is read and not written', async () => {
    const { request: _, ...options } = { request: direct, chainId: CHAIN, manifest, poll: POLL }
    const ledger = await openEvmLedger({ ...options, request: direct })
    expect(await ledger.anchors.of(fresh())).toBeNull()
    await expect(ledger.anchors.add(fresh(), 1)).rejects.toMatchObject({ code: 'NO_KEY' })
  })

  test('deploying over a full manifest writes nothing, over a partial one only what is missing', async () => {
    const before = await height()
    expect(await deployContracts({ request: direct, chainId: CHAIN, secret: OPERATOR, manifest })).toEqual(manifest)
    expect(await height()).toBe(before)
    const { 'AuditTrail@1': trail, ...rest } = manifest
    const completed = await deployContracts({ request: direct, chainId: CHAIN, secret: OPERATOR, manifest: rest, poll: POLL })
    expect(completed).toMatchObject(rest)
    expect(completed['AuditTrail@1']).not.toBe(trail)
    expect(await height()).toBe(before + 1)
  })
})

describe('an engine that does not answer', () => {
  test('is RELAY_UNREACHABLE to readers and writers', async () => {
    const ledger = await open({ patience: 50 })
    await chain.close()
    await expect(ledger.anchors.of(fresh())).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
    await expect(ledger.anchors.add(fresh(), 1)).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
    await expect(ledger.head()).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
    await expect(ledger.since(0)).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
  })

  test('over HTTP: a closed port, a page that is no JSON, an answer that is no JSON-RPC; and the address is told to nobody', async () => {
    const answers = ['<html>Bad gateway</html>', '[]', '"text"', '']
    const server = createServer((_, response) => response.end(answers.shift()))
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-key`
    const tried = async () => {
      const error = await openEvmLedger({ url, chainId: CHAIN, manifest }).catch((e: unknown) => e as Error)
      expect(error).toMatchObject({ code: 'RELAY_UNREACHABLE' })
      expect(String(error)).not.toContain('secret-key')
    }
    while (answers.length > 0) await tried()
    server.closeAllConnections()
    await new Promise(done => server.close(done))
    await tried()
  })

  test('a transaction whose answer was lost is not made twice', async () => {
    let lost = 0
    const ledger = await open({
      request: async call => {
        const answer = await chain.request(call)
        if (call.method === 'eth_sendRawTransaction' && ++lost <= 3) throw new Error('socket hang up')
        return answer
      },
    })
    const before = await count(ledger.account)
    const root = fresh()
    await ledger.anchors.add(root, 4)
    expect(lost).toBeGreaterThan(1)
    expect(await count(ledger.account)).toBe(before + 1)
    expect((await ledger.anchors.of(root))?.size).toBe(4)
  })

  test('a transaction that never arrived is sent again', async () => {
    let dropped = 0
    const ledger = await open({
      request: async call => {
        if (call.method === 'eth_sendRawTransaction' && ++dropped <= 3) throw new Error('connection reset')
        return chain.request(call)
      },
    })
    await ledger.anchors.add(fresh(), 4)
    expect(dropped).toBe(4)
  })

  test('after writes were lost for good, later ones take their numbers', async () => {
    let away = false
    const ledger = await open({
      patience: 40,
      request: async call => {
        if (away && call.method === 'eth_sendRawTransaction') throw new Error('connection reset')
        return chain.request(call)
      },
    })
    away = true
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => ledger.anchors.add(fresh(), 1)))
    for (const result of results) expect(result).toMatchObject({ status: 'rejected', reason: { code: 'RELAY_UNREACHABLE' } })
    away = false
    const before = await count(ledger.account)
    await Promise.all(Array.from({ length: 5 }, () => ledger.anchors.add(fresh(), 1)))
    expect(await count(ledger.account)).toBe(before + 5)
  })
})

test('what is offered has a tip though a block comes between the questions for it, with a lower base fee or a higher', async () => {
  for (const bases of [
    [1000n, 875n],
    [1000n, 1125n],
  ])
    for (const moved of [1, 2]) {
      let asked = 0
      const request: Request = async ({ method }) => {
        const base = bases[asked++ < moved ? 0 : 1]!
        return method === 'eth_gasPrice' ? quantity(base + 3n) : { baseFeePerGas: quantity(base) }
      }
      const fees = await currentFees(request)
      expect(fees).toMatchObject({ type: 'eip1559', maxPriorityFeePerGas: expect.toSatisfy((tip: bigint) => tip >= 3n) })
    }
})

describe('refusals', () => {
  test('name the contract’s error and nothing of what was written', async () => {
    const ledger = await open()
    const secret = fresh()
    const holder = secpAddress(secret)
    const m = { commitment: fresh(), notBefore: 3600, expiry: 7200, level: 1 as const, deadline: clock() + 60 }
    const signature = signConsentGrant(secret, { chainId: CHAIN, contract: manifest['ConsentRegistry@1']! }, m)
    const error = await ledger.consents.grant({ holder, ...m, signature }).catch((e: unknown) => e as Error)
    expect(error).toMatchObject({ code: 'LEDGER_REFUSED', message: 'ConsentRegistry@1 refused: PeriodOver.' })
    const everything = JSON.stringify(error, Object.getOwnPropertyNames(error)) + String((error as Error).cause)
    for (const told of [holder.slice(2), toHex(m.commitment), signature.slice(2)]) expect(everything).not.toContain(told)
  })

  test('cost no transaction when they are foreseen', async () => {
    const ledger = await open()
    const before = await height()
    await expect(ledger.anchors.add(fresh(), 0)).rejects.toMatchObject({ code: 'LEDGER_REFUSED' })
    expect(await height()).toBe(before)
  })

  test('are named even when the transaction failed only as it was mined', async () => {
    // Simulated before the state changed: the transaction is sent, and fails on the chain.
    const blind: Request = async call => (call.method === 'eth_estimateGas' ? '0x30d40' : chain.request(call))
    const ledger = await open({ request: blind })
    const before = await height()
    const write = ledger.anchors.add(fresh(), 0)
    await expect(write).rejects.toMatchObject({ code: 'LEDGER_REFUSED', message: 'RecordAnchors@1 refused: EmptyTree.' })
    expect(await height()).toBe(before + 1)
    await ledger.anchors.add(fresh(), 1)
  })

  test('by the engine itself are told apart, without its own words', async () => {
    const ledger = await open({
      request: async call => {
        if (call.method === 'eth_sendRawTransaction') throw nodeRefusal('insufficient funds for gas * price + value: address 0x1234 have 0')
        return chain.request(call)
      },
    })
    const message = 'The ledger engine refused: insufficient funds.'
    await expect(ledger.anchors.add(fresh(), 1)).rejects.toMatchObject({ code: 'LEDGER_REFUSED', message })
  })

  test('by a node that estimates without giving a reason are asked for once more', async () => {
    const mute: Request = async call => {
      if (call.method === 'eth_estimateGas') throw nodeRefusal('execution reverted')
      return chain.request(call)
    }
    const ledger = await open({ request: mute })
    await expect(ledger.anchors.add(fresh(), 0)).rejects.toMatchObject({ message: 'RecordAnchors@1 refused: EmptyTree.' })
  })
})

describe('numbers of one account', () => {
  test('a transaction that the engine refuses holds up none behind it', async () => {
    let refusals = 0
    const ledger = await open({
      request: async call => {
        if (call.method === 'eth_sendRawTransaction' && ++refusals === 3) {
          // Late, so that all the others have their numbers and wait behind this one.
          await sleep(400)
          throw nodeRefusal('transaction underpriced')
        }
        return chain.request(call)
      },
    })
    const started = performance.now()
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => ledger.anchors.add(fresh(), 1)))
    expect(results.filter(result => result.status === 'rejected')).toHaveLength(1)
    expect(performance.now() - started).toBeLessThan(10_000)
    await ledger.anchors.add(fresh(), 1)
  })

  test('two programs that share an account both get everything written', async () => {
    const [one, other] = [await open(), await open()]
    const before = await count(one.account)
    await Promise.all(Array.from({ length: 15 }, (_, i) => (i % 2 ? one : other).anchors.add(fresh(), 1)))
    expect(await count(one.account)).toBe(before + 15)
  })

  test('more writes at once than a pool takes from one account all arrive', async () => {
    const ledger = await open()
    const before = await count(ledger.account)
    await Promise.all(Array.from({ length: 150 }, () => ledger.anchors.add(fresh(), 1)))
    expect(await count(ledger.account)).toBe(before + 150)
  })
})

describe('a chain that is reorganised', () => {
  /** The same chain from genesis on, block for block, without what will be written on the other one. */
  const fork = async () => {
    const copy = await openChain({ dir: null, chainId: CHAIN, clock })
    await copy.importBlocks(chain.exportBlocks())
    return copy
  }

  test('a write that a reorganisation took out is sent again, and resolves when it is final', async () => {
    const other = await fork()
    let current = chain
    const ledger = await open({ confirmations: 3, request: call => current.request(call) })
    const root = fresh()
    let done = false
    const writing = ledger.anchors.add(root, 9).then(written => {
      done = true
      return written
    })
    const seen = async (on: EmbeddedChain) => {
      const [anchored] = (await on.request({
        method: 'eth_getLogs',
        params: [{ fromBlock: '0x1', address: manifest['RecordAnchors@1'] }],
      })) as object[]
      return anchored !== undefined
    }
    while (!(await seen(chain))) await sleep(POLL)
    await chain.beat()
    await sleep(10 * POLL)
    expect(done).toBe(false)
    expect(await ledger.anchors.of(root)).toBeNull()

    for (let i = 0; i < 4; i++) await other.beat()
    current = other
    while (!(await seen(other))) await sleep(POLL)
    expect(done).toBe(false)
    for (let i = 0; i < 2; i++) await other.beat()
    const written = await writing
    expect(await ledger.anchors.of(root)).toMatchObject({ size: 9 })
    const receipt = await other.request({ method: 'eth_getTransactionReceipt', params: [written.tx] })
    expect(receipt).toMatchObject({ blockNumber: hexNumber(written.block), status: '0x1' })
    await other.close()
  })

  test('a reorganisation between two questions does not make a lost write look final', async () => {
    const other = await fork()
    for (let i = 0; i < 6; i++) await other.beat()
    let current = chain
    let mined = false
    const ledger = await open({
      confirmations: 2,
      request: async call => {
        if (mined && call.method === 'eth_blockNumber') current = other
        const answer = await current.request(call)
        if (call.method === 'eth_getTransactionReceipt' && answer !== null) mined = true
        return answer
      },
    })
    const beating = setInterval(() => void other.beat(), 10 * POLL)
    const { tx } = await ledger.anchors.add(fresh(), 9)
    clearInterval(beating)
    expect(await other.request({ method: 'eth_getTransactionReceipt', params: [tx] })).toMatchObject({ status: '0x1' })
    await other.close()
  })

  test('readers see a block when it is final and not before', async () => {
    const writer = await open()
    const reader = await open({ confirmations: 3 })
    const root = fresh()
    const { block } = await writer.anchors.add(root, 1)
    expect(await reader.anchors.of(root)).toBeNull()
    expect((await reader.since(0)).some(event => event.block === block)).toBe(false)
    await chain.beat()
    await chain.beat()
    expect(await reader.anchors.of(root)).not.toBeNull()
    expect((await reader.head()).block).toBe(block)
    expect((await reader.since(block - 1)).map(event => event.name)).toEqual(['Anchored'])
  })

  test('an engine that names its finalized block is taken at its word', async () => {
    const ledger = await open({ confirmations: 'finalized' })
    const root = fresh()
    await ledger.anchors.add(root, 1)
    expect(await ledger.anchors.of(root)).not.toBeNull()
  })
})

describe('what others wrote', () => {
  test('attributes set in one block by plain ERC-1056 calls are read in their order', async () => {
    const ledger = await open()
    const writer = writerOf(STRANGER)
    const registry = asHex(manifest['PatientRegistry@1']!)
    const name = asciiWord('did/pub/Test', 32)
    const set = (value: string) => {
      const args = [asHex(writer.account), name, hex(utf8(value)), 3600n] as const
      const data = encodeFunctionData({ abi: ABIS['PatientRegistry@1'], functionName: 'setAttribute', args })
      return writer.send({ name: 'PatientRegistry@1', to: registry, data })
    }
    await set('before')
    const written = await Promise.all(['one', 'two', 'three'].map(set))
    const last = written.toSorted((a, b) => a.block - b.block).at(-1)!
    const events = (await ledger.since(0)).filter(event => event.name === 'DIDAttributeChanged')
    expect(events).toHaveLength(4)
    expect(await ledger.identities.attribute(writer.account, 'did/pub/Test')).toEqual(events.at(-1)!.args.value)
    expect(last.block).toBe(events.at(-1)!.block)
    const revoke = encodeFunctionData({
      abi: ABIS['PatientRegistry@1'],
      functionName: 'revokeAttribute',
      args: [asHex(writer.account), name, hex(events.at(-1)!.args.value as Uint8Array)],
    })
    await writer.send({ name: 'PatientRegistry@1', to: registry, data: revoke })
    expect(await ledger.identities.attribute(writer.account, 'did/pub/Test')).toEqual(events.at(-2)!.args.value)
  })

  test('a credential is not live while its issuer is suspended', async () => {
    const ledger = await open()
    const issued = { id: fresh(), holderCommitment: fresh(), role: 'MD', expiry: clock() + 3600 }
    await ledger.credentials.issue(issued)
    const data = encodeFunctionData({
      abi: ABIS['CredentialRegistry@1'],
      functionName: 'suspendIssuer',
      args: [asHex(ledger.account)],
    })
    await writerOf(OPERATOR).send({ name: 'CredentialRegistry@1', to: asHex(manifest['CredentialRegistry@1']!), data })
    expect(await ledger.credentials.status(issued.id)).toMatchObject({ role: 'MD', live: false })
    await expect(ledger.credentials.setState(issued.id, 'live')).rejects.toMatchObject({
      message: 'CredentialRegistry@1 refused: NotAccredited.',
    })
  })

  test('a node that finds a range of logs too large is asked for its halves', async () => {
    let asked = 0
    const narrow: Request = async call => {
      if (call.method !== 'eth_getLogs') return chain.request(call)
      asked++
      const [{ fromBlock, toBlock }] = call.params as [{ fromBlock: string; toBlock: string }]
      if (Number(toBlock) - Number(fromBlock) > 2) throw nodeRefusal('query exceeds max block range', -32005)
      return chain.request(call)
    }
    const ledger = await open()
    for (let i = 0; i < 12; i++) await ledger.anchors.add(fresh(), 1)
    const all = await ledger.since(0)
    expect(await (await open({ request: narrow })).since(0)).toEqual(all)
    expect(asked).toBeGreaterThan(4)
    expect(all.filter(event => event.name === 'Anchored')).toHaveLength(12)
  })
})

const hexNumber = (value: number) => `0x${value.toString(16)}`
