import type { Common } from '@ethereumjs/common'
import { createTxFromRLP, TransactionType, type TypedTransaction } from '@ethereumjs/tx'
import type { Account } from '@ethereumjs/util'
import type { Limits } from './limits.ts'
import { refused } from './rpc-error.ts'

/** Reads a signed transaction of this chain and checks all that does not depend on state. Throws an RPC error that names the fault. */
export function readTransaction(common: Common, bytes: Uint8Array, limits: Limits): TypedTransaction {
  if (!bytes.length) throw refused('typed transaction too short')
  if (bytes.length > limits.transactionBytes)
    throw refused(`oversized data: transaction of ${bytes.length} bytes, limit ${limits.transactionBytes}`)
  if (bytes[0] === TransactionType.BlobEIP4844) throw refused('transaction type not supported: blobs expire, which records must not')
  const tx = decode(common, bytes)
  if (tx.type === TransactionType.Legacy && (tx.v === 27n || tx.v === 28n)) {
    throw refused('only replay-protected (EIP-155) transactions allowed over RPC')
  }
  if (!tx.isSigned()) throw refused('transaction is not signed')
  const minimum = tx.getMinimumGasLimit()
  if (tx.gasLimit < minimum) throw refused(`intrinsic gas too low: gas ${tx.gasLimit}, minimum needed ${minimum}`)
  if (tx.nonce > BigInt(Number.MAX_SAFE_INTEGER)) throw refused('nonce has max value')
  return tx
}

function decode(common: Common, bytes: Uint8Array): TypedTransaction {
  try {
    return createTxFromRLP(bytes, { common })
  } catch (cause) {
    throw refused(explain(cause, common))
  }
}

function explain(cause: unknown, common: Common): string {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (/chain id/i.test(message)) return `invalid chain id for signer: this is chain ${common.chainId()}`
  if (/EIP-7825/.test(message)) return message
  return `invalid transaction: ${message.replace(/ \(tx type=.*$/s, '')}`
}

/** Who signed; throws an RPC error when the signature gives no key. */
export function senderOf(tx: TypedTransaction): string {
  try {
    return tx.getSenderAddress().toString()
  } catch {
    throw refused('invalid sender: the signature does not verify')
  }
}

/** Checks a transaction against its sender's account on the durable state. */
export function checkAccount(tx: TypedTransaction, account: Account | undefined, limits: Limits): void {
  const nonce = account?.nonce ?? 0n
  if (tx.nonce < nonce) throw refused(`nonce too low: next nonce ${nonce}, tx nonce ${tx.nonce}`)
  if (tx.nonce > nonce + BigInt(limits.senderPending)) throw refused(`nonce too high: next nonce ${nonce}, tx nonce ${tx.nonce}`)
  const price = 'maxFeePerGas' in tx ? tx.maxFeePerGas : tx.gasPrice
  const cost = tx.gasLimit * price + tx.value
  const balance = account?.balance ?? 0n
  if (balance < cost) {
    throw refused(
      `insufficient funds for gas * price + value: have ${balance}, want ${cost}. Gas is free on this ledger: set the gas price to zero`,
    )
  }
}
