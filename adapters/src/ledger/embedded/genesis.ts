import { Block, createBlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { KECCAK256_RLP } from '@ethereumjs/util'
import { concat, u64be, utf8 } from '@keepwell/sdk/base/bytes'

/** Block 0 of a chain: no accounts, no time, its chain id in the extra data. Two ledgers of one id share it, so an export replays anywhere. */
export function genesisBlock(common: Common, gasLimit: bigint): Block {
  const header = createBlockHeader(
    {
      number: 0n,
      timestamp: 0n,
      gasLimit,
      baseFeePerGas: 0n,
      stateRoot: KECCAK256_RLP,
      extraData: concat(utf8('keepwell'), u64be(common.chainId())),
    },
    { common },
  )
  return new Block(header, [], [], [], { common })
}
