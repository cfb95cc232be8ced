import type { Common } from '@ethereumjs/common'
import { createAddressFromString } from '@ethereumjs/util'
import { toHex } from '@keepwell/sdk/base/bytes'
import { checkAccount, readTransaction, senderOf } from './admission.ts'
import type { Archive } from './archive.ts'
import type { Limits } from './limits.ts'
import type { Mempool, Pending } from './mempool.ts'
import type { Pump } from './pump.ts'
import { refused } from './rpc-error.ts'
import type { StateReader } from './state-reader.ts'

type Parts = {
  readonly common: Common
  readonly archive: Archive
  readonly mempool: Mempool
  readonly pump: Pump
  readonly stateOf: StateReader
  readonly limits: Limits
  readonly arrived: (pending: Pending) => void
}

/**
 * Takes a signed transaction and returns its hash once it is mined and durable, so an answer is a promise kept; one already mined
 * is answered at once. Throws an RPC error when it is refused; after any error but a refusal its outcome has to be looked up.
 */
export type Send = (bytes: Uint8Array) => Promise<Uint8Array>

export function sender({ common, archive, mempool, pump, stateOf, limits, arrived }: Parts): Send {
  return async bytes => {
    const tx = readTransaction(common, bytes, limits)
    const hash = tx.hash()
    const name = toHex(hash)
    if (archive.place(hash)) return hash
    const known = mempool.find(name)
    if (known) return known.settled.then(() => hash)
    const from = senderOf(tx)
    const state = await stateOf(archive.head())
    const account = await state.getAccount(createAddressFromString(from))
    if (archive.place(hash)) return hash
    const raced = mempool.find(name)
    if (raced) return raced.settled.then(() => hash)
    checkAccount(tx, account, limits)
    if (account?.isContract() && !(await delegated(state, from))) throw refused('sender not an eoa')
    const pending = mempool.find(name) ?? mempool.add(tx, name, from, bytes.length)
    arrived(pending)
    pump.kick()
    await pending.settled
    return hash
  }
}

/** EIP-7702: an account whose code only points elsewhere may still send. */
async function delegated(state: Awaited<ReturnType<StateReader>>, address: string): Promise<boolean> {
  const code = await state.getCode(createAddressFromString(address as `0x${string}`))
  return code[0] === 0xef && code[1] === 0x01 && code[2] === 0x00
}
