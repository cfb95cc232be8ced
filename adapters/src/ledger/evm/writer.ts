import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Address, Written } from '@keepwell/sdk/ports/ledger'
import { privateKeyToAccount } from 'viem/accounts'
import { keccak256 } from 'viem/utils'
import { refusalOf } from './contracts.ts'
import { type Outcome, openDelivery, type RawReceipt, type Sent } from './delivery.ts'
import { currentFees, type Fees, shared } from './fees.ts'
import { blockAt, type Finality } from './finality.ts'
import { openGate } from './gate.ts'
import { openNonces } from './nonces.ts'
import { ask, NodeError, type Request } from './request.ts'
import { postMortem, simulate, type Wish } from './simulation.ts'
import { asHex, hex, lower } from './values.ts'

export type Receipt = Written & { readonly contractAddress: Address | null }

/** Sends transactions of one account. */
export type Writer = {
  readonly account: Address
  /**
   * Resolves when the transaction is final. Throws LEDGER_REFUSED when the contract refuses, before or after it was sent, and
   * RELAY_UNREACHABLE when its fate could not be learned: it may still be mined.
   */
  send(wish: Wish): Promise<Receipt>
  /** Ends all waiting for transactions under way. */
  close(): void
}

export type WriterOptions = {
  readonly request: Request
  readonly chainId: number
  readonly secret: Uint8Array
  readonly finality: Finality
  /** Milliseconds between two looks for a receipt. */
  readonly poll: number
  /** Milliseconds after which a transaction that is not final is given up. */
  readonly patience: number
}

type Done = { readonly sent: Sent; readonly receipt: RawReceipt }

/** Pools hold only so many transactions of one account (geth: 64 out of order). */
const IN_FLIGHT = 48
const ATTEMPTS = 6
const TRANSFER_GAS = 21_000n

export function openWriter({ request, chainId, secret, finality, poll, patience }: WriterOptions): Writer {
  const signer = privateKeyToAccount(hex(secret))
  const account = lower(signer.address)
  const gate = openGate(IN_FLIGHT)
  const delivery = openDelivery({ request, finality, poll })
  const fees = shared(() => currentFees(request))
  const nonces = openNonces(async () => Number(await ask<string>(request, 'eth_getTransactionCount', [account, 'pending'])))

  const sign = async ({ to, data }: Pick<Wish, 'to' | 'data'>, terms: Fees & { gas: bigint; nonce: number }): Promise<Sent> => {
    const raw = await signer.signTransaction({ ...terms, chainId, data, ...(to && { to }) })
    return { raw, hash: keccak256(raw), giveUp: Date.now() + patience }
  }

  /** An empty transaction in the place of one that was refused, so that those behind it are not held up for ever. */
  const fill = async (terms: Fees & { nonce: number }): Promise<void> => {
    const filler = await sign({ to: asHex(account), data: '0x' }, { ...terms, gas: TRANSFER_GAS })
    await delivery.broadcast(filler).catch(() => {})
  }

  /** One attempt, with one number. */
  const attempt = async (wish: Wish, gas: bigint): Promise<Outcome<Done>> => {
    const price = await fees()
    const nonce = await nonces.take()
    let used = false
    try {
      const sent = await sign(wish, { ...price, gas, nonce })
      if ((await delivery.broadcast(sent)) === 'stale') return 'stale'
      const receipt = await delivery.settled(sent)
      if (receipt === 'stale') return 'stale'
      used = true
      return { sent, receipt }
    } catch (error) {
      if (error instanceof NodeError && nonces.blocks(nonce)) await fill({ ...price, nonce })
      throw refusalOf(wish.name, error)
    } finally {
      nonces.give(nonce, used)
    }
  }

  const finish = async (wish: Wish, { sent, receipt }: Done): Promise<Receipt> => {
    if (BigInt(receipt.status) !== 1n) throw await postMortem(request, account, wish, receipt.blockNumber)
    const { block, time } = await blockAt(request, receipt.blockHash)
    const contractAddress = receipt.contractAddress ? lower(receipt.contractAddress) : null
    return { tx: sent.hash, block, time, contractAddress }
  }

  return {
    account,
    send: wish =>
      gate(async () => {
        const gas = await simulate(request, account, wish)
        for (let n = 0; n < ATTEMPTS; n++) {
          const done = await attempt(wish, gas)
          if (done !== 'stale') return finish(wish, done)
        }
        throw new KeepwellError('RELAY_UNREACHABLE', 'Another program sends from the same ledger account; give each its own.')
      }),
    close: delivery.close,
  }
}
