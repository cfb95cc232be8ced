import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Resolver } from 'did-resolver'
import { getResolver } from 'ethr-did-resolver'
import { type Address, encodeFunctionData, type Hex, stringToHex, toHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import {
  patientRegistryAbi as abi,
  patientRegistryBytecode as bytecode,
  patientRegistryDomain,
  patientRegistryTypes,
} from '#abi/PatientRegistry'
import { type Chain, openChain, serve } from '#test/chain'

// The published resolver, unchanged, over JSON-RPC: it must see our registry as it sees the reference contract.

let chain: Chain
let registry: Address
let resolver: Resolver
let stop: () => Promise<void>

before(async () => {
  chain = await openChain()
  registry = await chain.deploy({ abi, bytecode })
  const server = await serve(chain.request)
  stop = server.close
  resolver = new Resolver(getResolver({ networks: [{ name: 'keepwell', chainId: toHex(chain.id), rpcUrl: server.url, registry }] }))
})
after(async () => {
  await stop()
  await chain.close()
})

const did = (identity: Address) => `did:ethr:${toHex(chain.id)}:${identity}`
const call = (functionName: 'changeOwner' | 'setAttribute' | 'revokeAttribute' | 'addDelegate', args: readonly unknown[]) =>
  encodeFunctionData({ abi, functionName, args } as Parameters<typeof encodeFunctionData>[0])
const name = (text: string) => stringToHex(text, { size: 32 })

async function resolve(identity: Address) {
  const result = await resolver.resolve(did(identity))
  assert.equal(result.didResolutionMetadata.error, undefined, result.didResolutionMetadata.message)
  assert.ok(result.didDocument)
  return { document: result.didDocument, metadata: result.didDocumentMetadata }
}

const controllerOf = (document: { verificationMethod?: { blockchainAccountId?: string }[] }) =>
  document.verificationMethod?.[0]?.blockchainAccountId?.split(':').at(-1)?.toLowerCase()

test('an identity nobody has touched resolves to itself', async () => {
  const { address } = privateKeyToAccount(generatePrivateKey())
  const { document } = await resolve(address)
  assert.equal(document.id, did(address))
  assert.equal(controllerOf(document), address.toLowerCase())
})

test('services, keys, delegates and a change of owner all resolve, over several blocks', async () => {
  const [, alice, bob] = chain.accounts as [Address, Address, Address]
  const year = 31_536_000n
  await chain.send(alice, registry, call('setAttribute', [alice, name('did/svc/KeepwellBundle'), toHex('ipfs://bafkreiexample'), year]))
  await chain.send(alice, registry, call('setAttribute', [alice, name('did/pub/Ed25519/veriKey/base64'), `0x${'ab'.repeat(32)}`, year]))
  await chain.send(alice, registry, call('addDelegate', [alice, name('sigAuth'), bob, year]))
  await chain.send(alice, registry, call('changeOwner', [alice, bob]))
  const { document, metadata } = await resolve(alice)
  assert.equal(controllerOf(document), bob.toLowerCase())
  assert.deepEqual(
    document.service?.map(({ type, serviceEndpoint }) => [type, serviceEndpoint]),
    [['KeepwellBundle', 'ipfs://bafkreiexample']],
  )
  assert.equal(document.verificationMethod?.length, 3)
  assert.equal(document.authentication?.length, 2)
  assert.equal(metadata.versionId, String(await chain.reader.getBlockNumber()))
})

test('a revoked attribute is gone, and an older version still shows it', async () => {
  const carol = chain.accounts[3] as Address
  const value = toHex('https://relay.example')
  await chain.send(carol, registry, call('setAttribute', [carol, name('did/svc/Relay'), value, 86_400n]))
  const version = await chain.reader.getBlockNumber()
  await chain.send(carol, registry, call('revokeAttribute', [carol, name('did/svc/Relay'), value]))
  assert.equal((await resolve(carol)).document.service, undefined)
  const old = await resolver.resolve(`${did(carol)}?versionId=${version}`)
  assert.equal(old.didDocument?.service?.length, 1)
})

test('an owner of zero deactivates the identity', async () => {
  const dave = chain.accounts[4] as Address
  await chain.send(dave, registry, call('changeOwner', [dave, `0x${'00'.repeat(20)}`]))
  assert.equal((await resolve(dave)).metadata.deactivated, true)
})

test('messages relayed by another party resolve like calls, several in one block too', async () => {
  const patient = privateKeyToAccount(generatePrivateKey())
  const relay = chain.accounts[5] as Address
  const domain = { ...patientRegistryDomain, chainId: chain.id, verifyingContract: registry }
  const deadline = BigInt(Math.floor(Date.now() / 1000) + 3600)
  const first = await chain.reader.readContract({ abi, address: registry, functionName: 'nonce', args: [patient.address] })
  const data: Hex[] = []
  for (const [index, text] of ['ipfs://first', 'ipfs://second'].entries()) {
    const attribute = { identity: patient.address, name: name('did/svc/KeepwellBundle'), value: toHex(text), validity: 86_400n }
    const message = { ...attribute, nonce: first + BigInt(index), deadline }
    const signature = await patient.signTypedData({ domain, types: patientRegistryTypes, primaryType: 'SetAttribute', message })
    const args = [attribute.identity, attribute.name, attribute.value, attribute.validity, deadline, signature] as const
    data.push(encodeFunctionData({ abi, functionName: 'setAttributeBySig', args }))
  }
  await chain.request({ method: 'evm_setAutomine', params: [false] })
  for (const one of data) await chain.wallet(relay).sendTransaction({ to: registry, data: one, gas: 200_000n } as never)
  await chain.request({ method: 'evm_mine' })
  await chain.request({ method: 'evm_setAutomine', params: [true] })
  const { document } = await resolve(patient.address)
  assert.deepEqual(
    document.service?.map(service => service.serviceEndpoint),
    ['ipfs://first', 'ipfs://second'],
  )
})

test('a recovery module and a recovery do not disturb resolvers', async () => {
  const [, , , , , , erin, module, fresh] = chain.accounts as Address[]
  const args = [erin, module] as [Address, Address]
  await chain.send(erin as Address, registry, encodeFunctionData({ abi, functionName: 'setRecoveryModule', args }))
  const recover = [erin, fresh] as [Address, Address]
  await chain.send(module as Address, registry, encodeFunctionData({ abi, functionName: 'recoverOwner', args: recover }))
  assert.equal(controllerOf((await resolve(erin as Address)).document), fresh?.toLowerCase())
})
