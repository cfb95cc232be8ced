import { Account, type Address } from '@ethereumjs/util'
import { invalid } from './rpc-error.ts'
import { address, bytes, hash, quantity, record } from './rpc-params.ts'
import type { LedgerState } from './state.ts'

/** Applies geth's state overrides of `eth_call`: what-if balances, nonces, code and storage, gone with the call. */
export async function applyOverrides(state: LedgerState, overrides: unknown): Promise<void> {
  if (overrides === undefined || overrides === null) return
  await state.checkpoint()
  for (const [who, change] of Object.entries(record(overrides, 'state override'))) await applyTo(state, address(who, 'address'), change)
}

async function applyTo(state: LedgerState, who: Address, change: unknown): Promise<void> {
  const { balance, nonce, code, state: storage, stateDiff } = record(change, 'state override')
  if (storage !== undefined && stateDiff !== undefined) throw invalid('state override: state and stateDiff exclude each other')
  const account = (await state.getAccount(who)) ?? new Account()
  if (balance !== undefined) account.balance = quantity(balance, 'balance')
  if (nonce !== undefined) account.nonce = quantity(nonce, 'nonce')
  await state.putAccount(who, account)
  if (code !== undefined) await state.putCode(who, bytes(code, 'code'))
  if (storage !== undefined) await state.clearStorage(who)
  for (const [slot, value] of Object.entries(record(storage ?? stateDiff ?? {}, 'state override'))) {
    await state.putStorage(who, hash(slot, 'slot'), hash(value, 'value'))
  }
}
