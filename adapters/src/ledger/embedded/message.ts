import { Block, type BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { type AccessList, createTx, getCalldataFloorGas, TransactionType } from '@ethereumjs/tx'
import type { Address } from '@ethereumjs/util'
import { larger, smaller } from './bigint.ts'
import type { Engine } from './engine.ts'
import { refused } from './rpc-error.ts'

/** An unsigned message, as `eth_call` takes it. */
export type Message = {
  readonly from: Address
  readonly to: Address | undefined
  readonly data: Uint8Array
  readonly value: bigint
  readonly gas: bigint
  readonly accessList: AccessList
}

export type Outcome = {
  /** As a transaction of the same content would be charged. */
  readonly gasUsed: bigint
  readonly gasRefunded: bigint
  readonly output: Uint8Array
  /** Undefined on success; `revert` or the name of an EVM fault. */
  readonly fault: string | undefined
}

/**
 * Runs a message on the engine's state as if in the block after `header`'s, charging what a transaction is charged, and takes back
 * all it changed. Unlike a transaction it needs no nonce, and its sender may be a contract.
 */
export async function runMessage(engine: Engine, header: BlockHeader, message: Message): Promise<Outcome> {
  const { vm, state } = engine
  const { intrinsic, floor } = charges(vm.common, message)
  if (message.gas < larger(intrinsic, floor)) throw refused(`intrinsic gas too low: gas ${message.gas}, minimum needed ${intrinsic}`)
  // What is first read after the checkpoint is forgotten with it, and a cache that is emptied so is cleared in its whole length.
  if (message.to) await state.getCode(message.to)
  await vm.evm.journal.cleanup()
  await vm.evm.journal.checkpoint()
  try {
    const balance = (await state.getAccount(message.from))?.balance ?? 0n
    if (balance < message.value) throw refused(`insufficient funds for transfer: have ${balance}, want ${message.value}`)
    warm(engine, message, header)
    const { execResult } = await vm.evm.runCall({
      block: new Block(header, [], [], [], { common: vm.common }),
      caller: message.from,
      ...(message.to && { to: message.to }),
      value: message.value,
      data: message.data,
      gasLimit: message.gas - intrinsic,
      gasPrice: 0n,
    })
    const spent = intrinsic + execResult.executionGasUsed
    const refund = smaller(execResult.gasRefund ?? 0n, spent / vm.common.param('maxRefundQuotient'))
    const gasUsed = larger(spent - refund, floor)
    return { gasUsed, gasRefunded: refund, output: execResult.returnValue, fault: execResult.exceptionError?.error }
  } finally {
    vm.evm.journal.cleanJournal()
    await state.unwind()
    state.originalStorageCache.clear()
  }
}

function charges(common: Common, { from, to, data, value, gas, accessList }: Message): { intrinsic: bigint; floor: bigint } {
  try {
    const tx = createTx({ type: TransactionType.FeeMarketEIP1559, ...(to && { to }), data, value, gasLimit: gas, accessList }, { common })
    return { intrinsic: tx.getIntrinsicGas(), floor: getCalldataFloorGas(tx, from) }
  } catch (cause) {
    throw refused((cause instanceof Error ? cause.message : String(cause)).replace(/ \(tx type=.*$/s, ''))
  }
}

/** EIP-2929, 2930 and 3651: what a transaction finds warm. */
function warm({ vm }: Engine, message: Message, header: BlockHeader): void {
  const { journal, precompiles } = vm.evm
  for (const address of precompiles.keys()) journal.addAlwaysWarmAddress(address)
  for (const address of [message.from, message.to, header.coinbase]) if (address) journal.addAlwaysWarmAddress(address.toString())
  for (const { address, storageKeys } of message.accessList) {
    journal.addAlwaysWarmAddress(address)
    for (const key of storageKeys) journal.addAlwaysWarmSlot(address, key)
  }
}
