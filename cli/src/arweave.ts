import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { arweaveBlocks, arweaveFunds, arweavePrice } from '@keepwell/adapters/blocks/arweave/store'
import { arweaveWallet } from '@keepwell/adapters/blocks/arweave/wallet'
import type { Ctx } from '@keepwell/sdk/actions/context'
import type { Place } from '@keepwell/sdk/actions/vault/cold-copies'
import { agreeToKeep, safekeepingOf } from '@keepwell/sdk/actions/vault/safekeeping'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { Args } from './command.ts'
import { confirmed } from './confirm.ts'
import type { Io } from './io.ts'

/** Where copies are kept for ever, and the wallet that pays for them. */
export type Arweave = {
  readonly url: string
  readonly address: string
  /** The place is the wallet's, whichever gateway it is reached by. */
  readonly name: string
  open(dir: string, most: bigint): Place
}

/** By the command line; null when it names none. The wallet's key is read once, and stays where it was read. */
export async function arweaveOf(args: Args): Promise<Arweave | null> {
  const [url, file] = [args.text('cold-arweave'), args.text('arweave-wallet')]
  if (!url) return null
  ensure(file, 'USAGE', 'Arweave needs the wallet that pays: --arweave-wallet FILE')
  const key = await readFile(file).catch(cause => {
    throw new KeepwellError('BAD_INPUT', `--arweave-wallet: the file ${file} cannot be read.`, { cause })
  })
  const wallet = await arweaveWallet(key)
  const name = `arweave:${wallet.address.slice(0, 12)}`
  return {
    url,
    address: wallet.address,
    name,
    open: (dir, most) => ({ name, store: arweaveBlocks({ url, wallet, most, file: join(dir, `${name.replace(':', '-')}.sqlite`) }) }),
  }
}

/** So much dearer it may become before the owner is asked again. */
const ROOM = 2n

const ar = (winston: bigint): string => `${Number(winston) / 1e12} AR`

/**
 * Winston for a GiB that may be paid. Before the first copy, and when it costs more than was agreed to, the owner is told what it means that nothing is
 * ever deleted there, and asked. Throws CANCELLED when they say no, USAGE where nobody can be asked.
 */
export async function agreeToArweave(io: Io, args: Args, ctx: Ctx, { url, address, name }: Arweave): Promise<bigint> {
  const known = safekeepingOf(ctx.session.state.ring, io.clock()).agreed.find(a => a.place === name)
  const price = await arweavePrice({ url }).catch(e => {
    if (known) return null
    throw e
  })
  if (known && (price === null || price <= BigInt(known.most))) return BigInt(known.most)
  const most = price! * ROOM
  const funds = await arweaveFunds({ url }, address)
  for (const line of [
    'Copies on Arweave are for ever: nothing can be deleted there, not by you and not by anybody else.',
    '- When you erase a record, its key is destroyed and its sealed blocks stay. They are unreadable for as long as the cipher holds, which nobody can promise for ever.',
    '- Everybody can fetch the blocks, and see that one wallet put them there, how many, how large, and when. Who learns that the wallet is yours',
    '  knows that it is your record. Use a wallet for this and nothing else.',
    `- A GiB costs ${ar(price!)} now; more than ${ar(most)} is not paid without asking you again. The wallet ${address} has ${ar(funds)}.`,
  ])
    io.note(line)
  ensure(await confirmed(io, args, 'Keep sealed copies of your record there for ever?'), 'CANCELLED', 'Nothing was copied.')
  await agreeToKeep(ctx, { place: name, most: `${most}` })
  return most
}
