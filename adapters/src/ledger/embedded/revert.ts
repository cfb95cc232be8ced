import { equal, fromHex, text } from '@keepwell/sdk/base/bytes'
import { RPC, RpcError, refused } from './rpc-error.ts'
import { hex } from './rpc-format.ts'

const ERROR_STRING = fromHex('08c379a0')
const PANIC = fromHex('4e487b71')
const REVERT = 'revert'

/** The RPC error of a failed message, as geth words it: code 3 with the contract's data for a revert, else the EVM's fault. */
export function faultError(fault: string, output: Uint8Array): RpcError {
  if (fault !== REVERT) return refused(fault)
  const reason = reasonOf(output)
  return new RpcError(RPC.reverted, reason ? `execution reverted: ${reason}` : 'execution reverted', hex(output))
}

/** The text of `Error(string)` or the number of `Panic(uint256)`; null for a custom error, which only its contract's ABI explains. */
function reasonOf(output: Uint8Array): string | null {
  const selector = output.subarray(0, 4)
  if (equal(selector, PANIC) && output.length === 36) return `panic code ${hex(output.subarray(35))}`
  if (!equal(selector, ERROR_STRING) || output.length < 68) return null
  const length = Number(BigInt(hex(output.subarray(36, 68))))
  try {
    return text(output.subarray(68, 68 + Math.min(length, 1024)))
  } catch {
    return null
  }
}
