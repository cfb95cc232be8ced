import type { BlockHeader } from '@ethereumjs/block'
import { smaller } from './bigint.ts'
import type { Engine } from './engine.ts'
import { type Message, type Outcome, runMessage } from './message.ts'
import { faultError } from './revert.ts'
import { RpcError, refused } from './rpc-error.ts'

/** As geth: an estimate may exceed what is needed by this part, which halves the trials. */
const TOLERANCE = 0.015
const STIPEND = 2300n

/** The least gas, nearly, with which the message succeeds. Throws the message's own fault when it fails with all the gas it may have. */
export async function estimateGas(engine: Engine, header: BlockHeader, message: Message): Promise<bigint> {
  const full = await runMessage(engine, header, message)
  if (full.fault === 'out of gas') throw refused(`gas required exceeds allowance (${message.gas})`)
  if (full.fault) throw faultError(full.fault, full.output)
  let [low, high] = [full.gasUsed - 1n, message.gas]
  // A call forwards at most 63/64 of its gas, so this nearly always suffices and spares most of the search.
  const guess = ((full.gasUsed + full.gasRefunded + STIPEND) * 64n) / 63n
  if (guess < high) {
    if (await succeeds(engine, header, message, guess)) high = guess
    else low = guess
  }
  while (low + 1n < high && Number(high - low) / Number(high) > TOLERANCE) {
    // Most need little more than they use: look near the low end first.
    const middle = smaller((low + high) / 2n, low * 2n)
    if (await succeeds(engine, header, message, middle)) high = middle
    else low = middle
  }
  return high
}

async function succeeds(engine: Engine, header: BlockHeader, message: Message, gas: bigint): Promise<boolean> {
  const outcome: Outcome | null = await runMessage(engine, header, { ...message, gas }).catch(error => {
    if (error instanceof RpcError) return null
    throw error
  })
  return outcome !== null && outcome.fault === undefined
}
