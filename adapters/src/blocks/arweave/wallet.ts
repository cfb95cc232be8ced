import { KeepwellError } from '@keepwell/sdk/base/error'
import { bool, jsonAs, object, optional, string } from '@keepwell/sdk/base/shape'
import Arweave from 'arweave'

const NUMBER = /^[\w-]+$/
const number = string(1400, NUMBER)
const text = optional(string(200))
/** RFC 7517 and 7518 §6.3, of 4096 bits as the network wants them. */
const jwk = object({
  kty: string(3, /^RSA$/),
  e: string(4, /^AQAB$/),
  n: string(683, /^[\w-]{683}$/),
  d: number,
  p: number,
  q: number,
  dp: number,
  dq: number,
  qi: number,
  alg: text,
  kid: text,
  use: text,
  ext: optional(bool),
})

export type Tag = { readonly name: string; readonly value: string }

/** Of format 2, signed: its id is the hash of its signature, so that it is one and the same however often it is sent. */
export type SignedTransaction = {
  readonly id: string
  /** Winston, paid when it is mined and never before. */
  readonly reward: bigint
  readonly data: Uint8Array
  /** As it is kept until it is final. */
  readonly kept: string
  /** What POST /tx takes, with the data in it where that is one chunk. */
  posted(): Promise<{ readonly header: unknown; readonly inside: boolean }>
  /** What POST /chunk takes, of 256 KiB at most each, with its path in the Merkle tree under the `data_root` that was signed. */
  chunks(): Promise<readonly unknown[]>
}

export type ArweaveWallet = {
  readonly address: string
  sign(input: {
    readonly data: Uint8Array
    readonly tags: readonly Tag[]
    readonly anchor: string
    readonly reward: bigint
  }): Promise<SignedTransaction>
}

type Transaction = Awaited<ReturnType<Arweave['createTransaction']>>

// It is used for what is signed, and never asked to reach anything.
const arweave = Arweave.init({})

/** A wallet from its key file (a JWK). The key stays in here. Throws BAD_INPUT, with nothing of the file in it. */
export async function arweaveWallet(file: Uint8Array): Promise<ArweaveWallet> {
  let key: ReturnType<typeof jwk.check>
  try {
    key = jsonAs(jwk, file, 'wallet')
  } catch {
    throw new KeepwellError('BAD_INPUT', 'The wallet’s file is not the key of an Arweave wallet: a JWK of an RSA key of 4096 bits.')
  }
  return {
    address: await arweave.wallets.jwkToAddress(key),
    async sign({ data, tags, anchor, reward }) {
      const transaction = await arweave.createTransaction({ data: data.slice(), last_tx: anchor, reward: `${reward}` }, key)
      for (const { name, value } of tags) transaction.addTag(name, value)
      await arweave.transactions.sign(transaction, key)
      return signed(transaction)
    },
  }
}

function signed(transaction: Transaction): SignedTransaction {
  const { id, data, reward } = transaction
  const prepared = async (): Promise<number> => {
    await transaction.prepareChunks(data)
    return transaction.chunks!.chunks.length
  }
  return {
    id,
    reward: BigInt(reward),
    data,
    kept: JSON.stringify(transaction),
    async posted() {
      const inside = (await prepared()) <= 1
      return { header: { ...transaction.toJSON(), ...(inside ? {} : { data: '' }) }, inside }
    },
    async chunks() {
      return Array.from({ length: await prepared() }, (_, i) => transaction.getChunk(i, data))
    },
  }
}

/** One that was kept. */
export const keptTransaction = (kept: string): SignedTransaction => signed(arweave.transactions.fromRaw(JSON.parse(kept)))

/** The data of a transaction that is on the chain already, to be seeded once more. */
export const sameData = (id: string, data: Uint8Array): SignedTransaction =>
  signed(arweave.transactions.fromRaw({ id, data, data_size: `${data.length}`, reward: '0' }))
