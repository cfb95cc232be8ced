import type { Address } from '@ethereumjs/util'
import type { Methods, Node } from './node.ts'
import { proofOf } from './proof.ts'
import { invalid, overLimit } from './rpc-error.ts'
import { hex, quantity } from './rpc-format.ts'
import { address, header, slot } from './rpc-params.ts'

async function accountAt(node: Node, who: unknown, block: unknown) {
  const state = await node.stateOf(header(node, block))
  return state.getAccount(address(who, 'address'))
}

const padded = (value: Uint8Array): `0x${string}` => `0x${hex(value).slice(2).padStart(64, '0')}`

/** Accounts and storage, at any block there ever was. */
export const stateMethods: Methods = {
  eth_getBalance: async (node, [who, block]) => quantity((await accountAt(node, who, block))?.balance ?? 0n),
  eth_getTransactionCount: async (node, [who, block]) => {
    const nonce = Number((await accountAt(node, who, block))?.nonce ?? 0n)
    return quantity(block === 'pending' ? node.mempool.nextNonce(address(who, 'address').toString(), nonce) : nonce)
  },
  eth_getCode: async (node, [who, block]) => hex(await (await node.stateOf(header(node, block))).getCode(address(who, 'address'))),
  eth_getStorageAt: async (node, [who, key, block]) => {
    const state = await node.stateOf(header(node, block))
    return padded(await state.getStorage(address(who, 'address'), slot(key, 'slot')))
  },
  eth_getProof: async (node, [who, keys, block]) => {
    if (!Array.isArray(keys)) throw invalid('storage keys: a list is needed')
    if (keys.length > node.limits.proofSlots) throw overLimit(`storage keys: ${keys.length}, limit ${node.limits.proofSlots}`)
    const of: Address = address(who, 'address')
    const slots = keys.map((key, i) => ({ key: String(key), slot: slot(key, `storage keys[${i}]`) }))
    return proofOf(await node.stateOf(header(node, block)), of, slots)
  },
}
