import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Manifest, Written } from '@keepwell/sdk/ports/ledger'
import type { Hex } from 'viem'
import { type ContractName, refusalOf, revertName } from './contracts.ts'
import type { Finality, Head } from './finality.ts'
import { askNode, NodeError, type Request } from './request.ts'
import { asHex } from './values.ts'
import type { Writer } from './writer.ts'

/** How the facets reach one contract. */
export type Contract = {
  readonly address: Hex
  /** Reads at the newest final block. */
  call(data: Hex): Promise<Hex>
  /** The same; null when the contract reverts with the error `absent`. */
  find(data: Hex, absent: string): Promise<Hex | null>
  send(data: Hex): Promise<Written>
}

export type Access = {
  readonly request: Request
  readonly manifest: Manifest
  head(): Promise<Head>
  contract(name: ContractName): Contract
}

/** `writer` is null on a ledger that is only read. */
export function openAccess(request: Request, manifest: Manifest, finality: Finality, writer: Writer | null): Access {
  const addressOf = (name: ContractName): Hex => {
    const address = manifest[name]
    if (!address) throw new KeepwellError('NOT_SUPPORTED', `The manifest of this ledger has no ${name}.`)
    return asHex(address)
  }
  const call = async (name: ContractName, data: Hex) =>
    askNode<Hex>(request, 'eth_call', [{ to: addressOf(name), data }, await finality.tag()])

  return {
    request,
    manifest,
    head: finality.head,
    contract: name => ({
      get address() {
        return addressOf(name)
      },
      call: data =>
        call(name, data).catch(error => {
          throw refusalOf(name, error)
        }),
      find: (data, absent) =>
        call(name, data).catch(error => {
          if (error instanceof NodeError && revertName(name, error) === absent) return null
          throw refusalOf(name, error)
        }),
      async send(data) {
        if (!writer) throw new KeepwellError('NO_KEY', 'This ledger was opened without an account key: it can only be read.')
        const { tx, block, time } = await writer.send({ name, to: addressOf(name), data })
        return { tx, block, time }
      },
    }),
  }
}
