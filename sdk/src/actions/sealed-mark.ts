import type { Ctx } from '#actions/context'
import { concat, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { decodeAs, type Shape } from '#base/shape'
import { aeadOpen } from '#crypto/open'
import { aeadSeal } from '#crypto/seal'

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
