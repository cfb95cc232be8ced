import type { TypedTransaction } from '@ethereumjs/tx'
import type { Limits } from './limits.ts'
import { refused } from './rpc-error.ts'

/** A transaction on its way into a block. */
export type Pending = {
  readonly tx: TypedTransaction
  readonly hash: string
  readonly sender: string
  readonly nonce: number
  readonly bytes: number
  /** Settles when the transaction is mined and durable, or will not be. */
  readonly settled: Promise<void>
}
type Entry = Pending & { readonly resolve: () => void; readonly reject: (error: unknown) => void; timer: NodeJS.Timeout | undefined }

/** The account's nonce on the durable state. */
export type NonceOf = (sender: string) => Promise<number>

export type Mempool = {
  find(hash: string): Pending | undefined
  /** Takes a checked transaction. Throws when its nonce is taken by another or a limit is met. */
  add(tx: TypedTransaction, hash: string, sender: string, bytes: number): Pending
  /** Up to `count` transactions that can be executed now, senders taking turns, each in nonce order. */
  select(count: number): Promise<Pending[]>
  /** The nonce after the last that can be executed, given the account's. */
  nextNonce(sender: string, accountNonce: number): number
  mined(hashes: readonly string[]): void
  refuse(hash: string, error: unknown): void
  refuseAll(error: unknown): void
  readonly size: number
}

export function openMempool(limits: Limits, nonceOf: NonceOf): Mempool {
  const byHash = new Map<string, Entry>()
  const bySender = new Map<string, Map<number, Entry>>()
  let bytes = 0

  const remove = (entry: Entry) => {
    clearTimeout(entry.timer)
    byHash.delete(entry.hash)
    bytes -= entry.bytes
    const queue = bySender.get(entry.sender)!
    queue.delete(entry.nonce)
    if (!queue.size) bySender.delete(entry.sender)
  }
  const settle = (hash: string, how: (entry: Entry) => void) => {
    const entry = byHash.get(hash)
    if (!entry) return
    remove(entry)
    how(entry)
  }
  const refuse = (hash: string, error: unknown) => settle(hash, entry => entry.reject(error))
  /** Waiting for a nonce that does not come must end; waiting for the disk must not end in a guess. */
  const watch = (entry: Entry) => {
    entry.timer = setTimeout(async () => {
      const account = await nonceOf(entry.sender).catch(() => null)
      if (!byHash.has(entry.hash)) return
      const next = account === null ? null : nextNonce(entry.sender, account)
      if (next === null || next > entry.nonce) watch(entry)
      else
        refuse(
          entry.hash,
          refused(`nonce too high: the account's next nonce is ${next}, and none came to fill the gap up to ${entry.nonce}`),
        )
    }, limits.gapMilliseconds).unref()
  }
  const nextNonce = (sender: string, accountNonce: number) => {
    const queue = bySender.get(sender)
    let next = accountNonce
    while (queue?.has(next)) next++
    return next
  }

  return {
    get size() {
      return byHash.size
    },
    find: hash => byHash.get(hash),
    add(tx, hash, sender, length) {
      const queue = bySender.get(sender) ?? new Map<number, Entry>()
      const nonce = Number(tx.nonce)
      if (queue.has(nonce))
        throw refused('replacement transaction underpriced: another transaction with this nonce is pending, and fees are zero here')
      if (queue.size >= limits.senderPending) throw refused(`too many pending transactions of this sender (${limits.senderPending})`)
      if (byHash.size >= limits.totalPending || bytes + length > limits.pendingBytes)
        throw refused('transaction pool is full; try again later')
      const { promise: settled, resolve, reject } = Promise.withResolvers<void>()
      // The one who sent it listens; a rejection after they left is no defect.
      settled.catch(() => {})
      const entry: Entry = { tx, hash, sender, nonce, bytes: length, settled, resolve, reject, timer: undefined }
      byHash.set(hash, entry)
      bySender.set(sender, queue.set(nonce, entry))
      bytes += length
      watch(entry)
      return entry
    },
    async select(count) {
      const runs: Entry[][] = []
      for (const [sender, queue] of [...bySender]) {
        const nonce = await nonceOf(sender)
        for (const entry of [...queue.values()])
          if (entry.nonce < nonce) refuse(entry.hash, refused(`nonce too low: next nonce ${nonce}, tx nonce ${entry.nonce}`))
        const run: Entry[] = []
        for (let next = nonce; queue.has(next) && run.length < count; next++) run.push(queue.get(next)!)
        if (run.length) runs.push(run)
      }
      const picked: Entry[] = []
      for (let turn = 0; picked.length < count && runs.some(run => run.length > turn); turn++) {
        for (const run of runs) if (run[turn] && picked.length < count) picked.push(run[turn]!)
      }
      rotate(bySender, picked)
      return picked
    },
    nextNonce,
    mined(hashes) {
      for (const hash of hashes) settle(hash, entry => entry.resolve())
    },
    refuse,
    refuseAll(error) {
      for (const hash of [...byHash.keys()]) refuse(hash, error)
    },
  }
}

/** Puts the senders just served last, so that a full block leaves nobody out twice. */
function rotate(bySender: Map<string, Map<number, Entry>>, served: readonly Entry[]): void {
  for (const sender of new Set(served.map(entry => entry.sender))) {
    const queue = bySender.get(sender)!
    bySender.delete(sender)
    bySender.set(sender, queue)
  }
}
