import { fromHex } from '@keepwell/sdk/base/bytes'
import type { LedgerEvent } from '@keepwell/sdk/ports/ledger'
import type { Abi, Hex } from 'viem'
import { decodeEventLog, pad } from 'viem/utils'
import type { Access } from './access.ts'
import { ABIS, type ContractName } from './contracts.ts'
import { askNode, engineRefusal, NodeError, type Request } from './request.ts'
import { asHex, lower, quantity, wordText } from './values.ts'

/** A log as a node gives it. */
export type RawLog = {
  readonly address: string
  readonly topics: [Hex, ...Hex[]]
  readonly data: Hex
  readonly blockNumber: string
  readonly logIndex: string
  readonly transactionHash: string
}

type Parameter = { readonly name?: string; readonly type: string; readonly components?: readonly Parameter[] }

/** Blocks asked for at once; nodes limit either the span or the number of logs. */
const SPAN = 5000

/** All logs of the range, in order. A node that finds the range too large is asked for its halves. */
export async function logsOf(request: Request, filter: object, from: number, to: number): Promise<RawLog[]> {
  try {
    const range = { ...filter, fromBlock: quantity(from), toBlock: quantity(to) }
    const logs = await askNode<RawLog[]>(request, 'eth_getLogs', [range])
    return logs.toSorted((a, b) => Number(a.blockNumber) - Number(b.blockNumber) || Number(a.logIndex) - Number(b.logIndex))
  } catch (error) {
    if (!(error instanceof NodeError) || from === to) throw engineRefusal(error)
    const middle = Math.floor((from + to) / 2)
    return [...(await logsOf(request, filter, from, middle)), ...(await logsOf(request, filter, middle + 1, to))]
  }
}

/** Logs of one contract that name `identity` in their first indexed field, in one block. */
export const logsAbout = (request: Request, contract: string, identity: string, block: number): Promise<RawLog[]> =>
  logsOf(request, { address: contract, topics: [null, pad(asHex(identity), { size: 32 })] }, block, block)

/** ABI values as the port's: lower-case addresses, bytes, numbers (bigint beyond 2^53), token ids of 32 bytes, text for text words. */
function plain(parameter: Parameter, value: unknown): unknown {
  const { name, type, components } = parameter
  if (type === 'address') return lower(String(value))
  if (components) return Object.fromEntries(components.map(c => [c.name, plain(c, (value as Record<string, unknown>)[c.name ?? ''])]))
  if (name === 'role' || (name === 'name' && type === 'bytes32')) return wordText(String(value))
  if (name === 'tokenId') return fromHex((value as bigint).toString(16).padStart(64, '0'))
  if (type.startsWith('bytes')) return fromHex(String(value))
  if (typeof value === 'bigint') return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
  return value
}

/** Null for what our contract's ABI does not know. */
export function decodeLog(name: ContractName, log: RawLog): LedgerEvent | null {
  const abi: Abi = ABIS[name]
  try {
    const { eventName, args } = decodeEventLog({ abi, data: log.data, topics: log.topics })
    const item = abi.find(entry => entry.type === 'event' && entry.name === eventName)
    const inputs = item?.type === 'event' ? (item.inputs as readonly Parameter[]) : []
    const values = args as unknown as Record<string, unknown>
    return {
      contract: name,
      name: String(eventName),
      block: Number(log.blockNumber),
      tx: log.transactionHash,
      args: Object.fromEntries(inputs.map(input => [input.name, plain(input, values[input.name ?? ''])])),
    }
  } catch {
    return null
  }
}

/** Everything our contracts emitted after `block`, up to the newest final one, oldest first. */
export async function eventsSince(access: Access, block: number): Promise<LedgerEvent[]> {
  const names = new Map((Object.keys(ABIS) as ContractName[]).map(name => [access.manifest[name], name]))
  names.delete(undefined)
  const address = [...names.keys()]
  const { block: newest } = await access.head()
  const events: LedgerEvent[] = []
  for (let from = block + 1; from <= newest; from += SPAN) {
    const logs = await logsOf(access.request, { address }, from, Math.min(newest, from + SPAN - 1))
    for (const log of logs) {
      const name = names.get(lower(log.address))
      const event = name && decodeLog(name, log)
      if (event) events.push(event)
    }
  }
  return events
}
