import type { AccessList } from '@ethereumjs/tx'
import { createZeroAddress } from '@ethereumjs/util'
import { equal } from '@keepwell/sdk/base/bytes'
import { smaller } from './bigint.ts'
import type { Engine } from './engine.ts'
import { estimateGas } from './gas-estimate.ts'
import { type Message, runMessage } from './message.ts'
import type { Methods, Node } from './node.ts'
import { applyOverrides } from './overrides.ts'
import { faultError } from './revert.ts'
import { invalid, refused } from './rpc-error.ts'
import { hex, quantity } from './rpc-format.ts'
import { address, bytes, environment, hash, header, quantity as parseQuantity, record } from './rpc-params.ts'

/** Fee fields are read past: gas is free, and GASPRICE is zero in every call. */
function parseMessage(node: Node, value: unknown): Message {
  const { from, to, data, input, value: amount, gas, accessList, authorizationList, blobVersionedHashes } = record(value, 'transaction')
  if (authorizationList !== undefined || blobVersionedHashes !== undefined)
    throw refused('calls with authorizations or blobs are not supported')
  const cap = node.limits.callGas
  const wanted = gas === undefined || gas === null ? cap : parseQuantity(gas, 'gas')
  return {
    from: from === undefined || from === null ? createZeroAddress() : address(from, 'from'),
    to: to === undefined || to === null ? undefined : address(to, 'to'),
    data: parseData(data, input),
    value: amount === undefined || amount === null ? 0n : parseQuantity(amount, 'value'),
    gas: smaller(wanted, cap),
    accessList: parseAccessList(accessList),
  }
}

function parseData(data: unknown, input: unknown): Uint8Array {
  const [a, b] = [data, input].map(value => (value === undefined || value === null ? null : bytes(value, 'data')))
  if (a && b && !equal(a, b)) throw invalid('data and input are both given and differ')
  return b ?? a ?? new Uint8Array(0)
}

function parseAccessList(value: unknown): AccessList {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || value.length > 1024) throw invalid('accessList: a list of at most 1024 is needed')
  return value.map(item => {
    const { address: who, storageKeys } = record(item, 'accessList')
    if (!Array.isArray(storageKeys) || storageKeys.length > 1024) throw invalid('storageKeys: a list of at most 1024 is needed')
    return { address: hex(address(who, 'address').bytes), storageKeys: storageKeys.map(key => hex(hash(key, 'storage key'))) }
  })
}

/** Runs `work` with the message's block and state, overrides applied. */
function onState<T>(
  node: Node,
  block: unknown,
  overrides: unknown,
  work: (engine: Engine, at: ReturnType<typeof environment>) => Promise<T>,
) {
  const at = environment(node, block)
  return node.calls(at.state, async engine => {
    await applyOverrides(engine.state, overrides)
    return work(engine, at)
  })
}

/** Block and message; null where a call depends on more: on the present time, or on a state that is only supposed. */
function questionOf(node: Node, message: Message, block: unknown, overrides: unknown): string | null {
  const { from, to, data, value, gas, accessList } = message
  if (block === 'pending' || accessList.length || (overrides !== undefined && overrides !== null)) return null
  return [hex(header(node, block).hash()), from, to ?? '', hex(data), value, gas].join()
}

/** Messages that change nothing. */
export const callMethods: Methods = {
  eth_call: async (node, [transaction, block, overrides]) => {
    const message = parseMessage(node, transaction)
    const question = questionOf(node, message, block, overrides)
    const known = question === null ? undefined : node.answers.get(question)
    if (known !== undefined) return known
    return onState(node, block, overrides, async (engine, at) => {
      const { output, fault } = await runMessage(engine, at.block, message)
      if (fault) throw faultError(fault, output)
      const answer = hex(output)
      if (question !== null) node.answers.set(question, answer)
      return answer
    })
  },
  eth_estimateGas: (node, [transaction, block, overrides]) => {
    const message = parseMessage(node, transaction)
    return onState(node, block ?? 'pending', overrides, async (engine, at) => quantity(await estimateGas(engine, at.block, message)))
  },
}
