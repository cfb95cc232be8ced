/** What bounds the work and memory a client can ask of the ledger. All are upper bounds; each refusal names the one it met. */
export type Limits = {
  /** Transactions in one block. */
  readonly blockTransactions: number
  /** Gas of one block; a transaction is further capped at 2^24 by EIP-7825. */
  readonly blockGas: bigint
  /** Gas one `eth_call` or `eth_estimateGas` may use. */
  readonly callGas: bigint
  /** Transactions waiting per sender, and so how far ahead of the account a nonce may be. */
  readonly senderPending: number
  readonly totalPending: number
  readonly pendingBytes: number
  readonly transactionBytes: number
  /** How long a transaction may wait for a missing lower nonce. */
  readonly gapMilliseconds: number
  /** Logs one query may return. */
  readonly logResults: number
  /** Addresses, or topics of one position, in one log filter. */
  readonly logAlternatives: number
  /** Filters and subscriptions alive at once. */
  readonly filters: number
  /** Seconds after which a filter nobody polls is dropped. */
  readonly filterSeconds: number
  /** Trie nodes kept in memory, in bytes. */
  readonly nodeCacheBytes: number
  /** Slots and accounts kept decoded between blocks. */
  readonly stateCacheEntries: number
  /** Answers of calls kept with their questions, in characters. */
  readonly callCache: number
  /** Storage slots in one `eth_getProof`. */
  readonly proofSlots: number
}

export const LIMITS: Limits = {
  blockTransactions: 256,
  blockGas: 60_000_000n,
  callGas: 16_777_216n,
  senderPending: 1024,
  totalPending: 8192,
  pendingBytes: 64 * 1024 * 1024,
  transactionBytes: 128 * 1024,
  gapMilliseconds: 30_000,
  logResults: 10_000,
  logAlternatives: 1024,
  filters: 1024,
  filterSeconds: 300,
  nodeCacheBytes: 48 * 1024 * 1024,
  stateCacheEntries: 50_000,
  callCache: 1 << 20,
  proofSlots: 256,
}
