import type { Ctx } from '@keepwell/sdk/actions/context'
import { concat, utf8 } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { decodeAs, type Shape } from '@keepwell/sdk/base/shape'
import { aeadOpen } from '@keepwell/sdk/crypto/open'
import { aeadSeal } from '@keepwell/sdk/crypto/seal'

export type Reading = Pick<Ctx, 'catalog' | 'session'>
export type Keeping = Reading & Pick<Ctx, 'random'>

const NONCE = 12

/** A small value that this device keeps for itself, sealed among the catalog's marks under the vault's own key. */
export function sealedMark<T>(name: string, shape: Shape<T>, empty: T) {
  const aad = utf8(`keepwell/v1/${name}`)
  return {
    async read({ catalog, session }: Reading): Promise<T> {
      const sealed = await catalog.marked(name)
      if (!sealed?.length) return empty
      const key = session.state.ring.catalog
      return decodeAs(shape, await aeadOpen({ key, nonce: sealed.subarray(0, NONCE), aad, ciphertext: sealed.subarray(NONCE) }))
    },
    async write({ catalog, session, random }: Keeping, value: T): Promise<void> {
      const nonce = random(NONCE)
      const key = session.state.ring.catalog
      await catalog.mark(name, concat(nonce, await aeadSeal({ key, nonce, aad, plaintext: encode(value) })))
    },
  }
}
