import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Hex } from 'viem'
import type { Finality } from './finality.ts'
import { askNode, NodeError, type Request } from './request.ts'
import { sleep } from './values.ts'

/** A signed transaction, its name, and when (milliseconds) to stop waiting for it. */
export type Sent = { readonly raw: Hex; readonly hash: Hex; readonly giveUp: number }

export type RawReceipt = {
  readonly blockNumber: string
  readonly blockHash: string
  readonly status: string
  readonly contractAddress?: string | null
}

/** `stale`: another transaction has taken the number, so this one will never be mined and may be made anew. */
export type Outcome<T> = T | 'stale'

export type Delivery = {
  /** Hands the transaction over until the node has it. Throws NodeError when the node refuses it, RELAY_UNREACHABLE. */
  broadcast(sent: Sent): Promise<Outcome<'sent'>>
  /** Waits until the block with the transaction is final. Throws RELAY_UNREACHABLE when it gives up. */
  settled(sent: Sent): Promise<Outcome<RawReceipt>>
  /** Ends all waiting. */
  close(): void
}

const KNOWN = /already known|already imported|known transaction|already in/i
/** Too high: a reorganisation took back the transactions that went before, so their numbers are free again. */
const STALE =
  /nonce too (low|high)|nonce is too low|invalid nonce|replacement transaction|replacement fee|nonce has already been used|same nonce/i
const LONGEST_WAIT = 5000
/** Looks in vain after which a transaction is sent once more: the node may have dropped it, or a reorganisation taken it out. */
const LOOKS = 8

type Parts = { readonly request: Request; readonly finality: Finality; readonly poll: number }

export function openDelivery({ request, finality, poll }: Parts): Delivery {
  let closed = false

  const receiptOf = async (hash: Hex): Promise<RawReceipt | null> => {
    try {
      return await askNode<RawReceipt | null>(request, 'eth_getTransactionReceipt', [hash])
    } catch (error) {
      // A node that has just started answers so for whatever it does not know.
      if (error instanceof NodeError && /indexing/i.test(error.message)) return null
      throw error
    }
  }
  const isKnown = async (hash: Hex) => (await askNode<unknown>(request, 'eth_getTransactionByHash', [hash])) !== null

  /** What a node's refusal to take a transaction means: it may have it already. */
  const taken = async ({ hash }: Sent, error: NodeError): Promise<Outcome<'sent'>> => {
    if (KNOWN.test(error.message) || (await receiptOf(hash)) || (await isKnown(hash))) return 'sent'
    if (STALE.test(error.message)) return 'stale'
    throw error
  }
  const hopeless = (sent: Sent, wait: number) => closed || Date.now() + wait > sent.giveUp

  const broadcast = async (sent: Sent): Promise<Outcome<'sent'>> => {
    for (let wait = poll; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
      try {
        await askNode(request, 'eth_sendRawTransaction', [sent.raw])
        return 'sent'
      } catch (error) {
        if (error instanceof NodeError) return await taken(sent, error)
        // The same bytes are the same transaction: sending them again is safe, whether or not the first ones arrived.
        if (hopeless(sent, wait)) throw lost(sent, error)
        await sleep(wait)
      }
    }
  }

  /** One look: the receipt once it is final, else null. Asked twice, for the chain may have changed between the two questions. */
  const look = async (sent: Sent, again: boolean): Promise<Outcome<RawReceipt | null>> => {
    const receipt = await receiptOf(sent.hash)
    if (!receipt) return again && (await broadcast(sent)) === 'stale' ? 'stale' : null
    if (!(await finality.isFinal(Number(receipt.blockNumber)))) return null
    return (await receiptOf(sent.hash))?.blockHash === receipt.blockHash ? receipt : null
  }

  const settled = async (sent: Sent): Promise<Outcome<RawReceipt>> => {
    for (let round = 1; ; round++) {
      try {
        const seen = await look(sent, round % LOOKS === 0)
        if (seen) return seen
        if (hopeless(sent, 0)) throw lost(sent)
      } catch (error) {
        // The node took it, so nothing that it says now proves that it failed.
        if (hopeless(sent, 0)) throw lost(sent, error)
      }
      await sleep(poll)
    }
  }

  return {
    broadcast,
    settled,
    close() {
      closed = true
    },
  }
}

/** Of errors only our own are told on: a node's sentence may hold what was sent. */
const lost = (sent: Sent, cause?: unknown) =>
  new KeepwellError('RELAY_UNREACHABLE', `The ledger engine did not confirm transaction ${sent.hash}; it may still be mined.`, {
    cause: cause instanceof KeepwellError ? cause : undefined,
  })
