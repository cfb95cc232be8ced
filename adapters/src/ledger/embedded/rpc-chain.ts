import type { Methods, Node } from './node.ts'
import { invalid } from './rpc-error.ts'
import { quantity } from './rpc-format.ts'
import { blockNumber, integer } from './rpc-params.ts'

const FEE_BLOCKS = 1024

function feeHistory(node: Node, count: unknown, newest: unknown, percentiles: unknown) {
  const last = Math.min(blockNumber(node, newest, 'newest block'), Number(node.archive.head().number))
  const wanted = Math.min(integer(typeof count === 'number' ? quantity(count) : count, 'block count'), FEE_BLOCKS, last + 1)
  if (percentiles !== undefined && percentiles !== null && !Array.isArray(percentiles)) throw invalid('percentiles: a list is needed')
  const headers = Array.from({ length: wanted }, (_, i) => node.archive.mined(last - wanted + 1 + i)!.block.header)
  const zeros = (length: number) => Array.from({ length }, () => '0x0')
  return {
    oldestBlock: quantity(last - wanted + 1),
    baseFeePerGas: zeros(wanted + 1),
    gasUsedRatio: headers.map(header => Number(header.gasUsed) / Number(header.gasLimit)),
    baseFeePerBlobGas: zeros(wanted + 1),
    blobGasUsedRatio: headers.map(() => 0),
    ...(Array.isArray(percentiles) && { reward: headers.map(() => zeros(percentiles.length)) }),
  }
}

/** What kind of chain this is: one that costs nothing, is always in step with itself, and holds nobody's keys. */
export const chainMethods: Methods = {
  web3_clientVersion: () => 'keepwell-ledger/1',
  net_version: node => node.common.chainId().toString(),
  net_listening: () => false,
  net_peerCount: () => '0x0',
  eth_chainId: node => quantity(node.common.chainId()),
  eth_gasPrice: () => '0x0',
  eth_maxPriorityFeePerGas: () => '0x0',
  eth_blobBaseFee: () => '0x1',
  eth_feeHistory: (node, [count, newest, percentiles]) => feeHistory(node, count, newest, percentiles),
  eth_syncing: () => false,
  eth_accounts: () => [],
}
