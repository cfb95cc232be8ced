import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Address, encodeFunctionData, type Hex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import {
  consentRegistryAbi as abi,
  consentRegistryBytecode as bytecode,
  consentRegistryDomain,
  consentRegistryTypes as types,
} from '#abi/ConsentRegistry'
import { type Chain, openChain } from '#test/chain'

// Threat T15: messages in flight are public, and several relays may send them in any order.

let chain: Chain
let registry: Address
before(async () => {
  chain = await openChain()
  registry = await chain.deploy({ abi, bytecode })
})
after(() => chain.close())

const hour = 3600
const commitment: Hex = `0x${'c0'.repeat(32)}`

async function messages(holder: PrivateKeyAccount): Promise<{ grant: Hex; revoke: Hex }> {
  const domain = { ...consentRegistryDomain, chainId: chain.id, verifyingContract: registry }
  const now = Number((await chain.reader.getBlock()).timestamp)
  const deadline = BigInt(now + hour)
  const notBefore = BigInt(Math.floor(now / hour) * hour)
  const terms = { commitment, notBefore, expiry: notBefore + BigInt(24 * hour), level: 1 }
  const granted = await holder.signTypedData({ domain, types, primaryType: 'Grant', message: { ...terms, deadline } })
  const revoked = await holder.signTypedData({ domain, types, primaryType: 'Revoke', message: { commitment, deadline } })
  return {
    grant: encodeFunctionData({
      abi,
      functionName: 'grant',
      args: [holder.address, commitment, notBefore, terms.expiry, 1, deadline, granted],
    }),
    revoke: encodeFunctionData({ abi, functionName: 'revoke', args: [holder.address, commitment, deadline, revoked] }),
  }
}

/** Puts these into one block, in this order (the higher fee goes first), and says which of them succeeded. */
async function inOneBlock(calls: readonly Hex[]): Promise<boolean[]> {
  await chain.request({ method: 'evm_setAutomine', params: [false] })
  const sent: Hex[] = []
  for (const [index, data] of calls.entries()) {
    const fee = BigInt(100 - index) * 1_000_000_000n
    const relay = chain.wallet(chain.accounts[1 + index] as Address)
    sent.push(await relay.sendTransaction({ to: registry, data, gas: 200_000n, maxFeePerGas: fee, maxPriorityFeePerGas: fee } as never))
  }
  await chain.request({ method: 'evm_mine' })
  await chain.request({ method: 'evm_setAutomine', params: [true] })
  const receipts = await Promise.all(sent.map(hash => chain.reader.getTransactionReceipt({ hash })))
  assert.deepEqual(
    receipts.map(receipt => receipt.transactionIndex),
    calls.map((_, index) => index),
    'another order was mined',
  )
  return receipts.map(receipt => receipt.status === 'success')
}

const stateOf = async (holder: PrivateKeyAccount) =>
  (await chain.reader.readContract({ abi, address: registry, functionName: 'slot', args: [holder.address, commitment] }))[3]

test('T15: a grant taken from the mempool and sent first by another relay succeeds for both', async () => {
  const holder = privateKeyToAccount(generatePrivateKey())
  const { grant } = await messages(holder)
  assert.deepEqual(await inOneBlock([grant, grant]), [true, true])
  assert.equal(await stateOf(holder), 1)
})

test('T15: of a grant and a revocation in flight the revocation wins, whichever is mined first', async () => {
  const early = privateKeyToAccount(generatePrivateKey())
  const first = await messages(early)
  assert.deepEqual(await inOneBlock([first.revoke, first.grant]), [true, false])
  assert.equal(await stateOf(early), 2)

  const late = privateKeyToAccount(generatePrivateKey())
  const second = await messages(late)
  assert.deepEqual(await inOneBlock([second.grant, second.revoke]), [true, true])
  assert.equal(await stateOf(late), 2)
})

test('T15: a revocation sent by two relays succeeds for both', async () => {
  const holder = privateKeyToAccount(generatePrivateKey())
  const { grant, revoke } = await messages(holder)
  assert.deepEqual(await inOneBlock([grant, revoke, revoke, grant]), [true, true, true, false])
  assert.equal(await stateOf(holder), 2)
})
