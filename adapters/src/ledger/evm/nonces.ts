/**
 * Hands out the transaction numbers of one account, one after the other, to any number of writers at once. Every number taken is given
 * back: `used` when it is on the chain, otherwise the next taker asks the node again and fills the lowest gap.
 */
export type Nonces = {
  take(): Promise<number>
  give(nonce: number, used: boolean): void
  /** Whether somebody waits behind this number, and would wait for ever if it stayed unused. */
  blocks(nonce: number): boolean
}

/** `count` asks the node how many transactions of the account it knows, waiting ones included. */
export function openNonces(count: () => Promise<number>): Nonces {
  const taken = new Set<number>()
  let next: number | null = null
  let queue: Promise<unknown> = Promise.resolve()

  const assign = async (): Promise<number> => {
    let nonce = next ?? (await count())
    while (taken.has(nonce)) nonce++
    taken.add(nonce)
    next = nonce + 1
    return nonce
  }
  return {
    take() {
      const nonce = queue.then(assign)
      queue = nonce.catch(() => {})
      return nonce
    },
    give(nonce, used) {
      taken.delete(nonce)
      if (!used) next = null
    },
    blocks: nonce => [...taken].some(other => other > nonce),
  }
}
