import { writeSync } from 'node:fs'
import { pad, toHex } from 'viem'
import { openChain } from './chain.ts'
import { accountOf, clientsOf, deploy, probeContract } from './fixture.ts'

// The process that `kill.test` kills: eight clients write without pause, and each promise is told the moment it is made.
const [, , dir, chainId] = process.argv
const chain = await openChain({ dir: dir!, chainId: Number(chainId), clock: () => Math.floor(Date.now() / 1000) })
const { abi } = probeContract()
const { reader } = clientsOf(chain)
const first = (await reader.getBlockNumber()) === 0n ? null : (await reader.getBlock({ blockNumber: 1n })).transactions[0]!
const address = first ? (await reader.getTransactionReceipt({ hash: first })).contractAddress! : await deploy(chain, probeContract())

await Promise.all(
  Array.from({ length: 8 }, async (_, i) => {
    const { wallet, account } = clientsOf(chain, accountOf(i + 1))
    for (let nonce = await reader.getTransactionCount({ address: account.address }); ; nonce++) {
      const hash = await wallet.writeContract({
        abi,
        address,
        functionName: 'keep',
        args: [pad(toHex(nonce)), BigInt(i)],
        nonce,
        gas: 200_000n,
      } as never)
      const receipt = (await chain.request({ method: 'eth_getTransactionReceipt', params: [hash] })) as { blockHash: string }
      writeSync(1, `${hash} ${receipt.blockHash}\n`)
    }
  }),
)
