import type { Ctx } from '#actions/context'
import { concat, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { decodeAs, type Infer, object, string } from '#base/shape'
import { aeadOpen } from '#crypto/open'
import { aeadSeal } from '#crypto/seal'

/** What the owner needs to show a link again, on any device; sealed under the vault's own key and kept with the link. */
const note = object({ link: string(2048), label: string(400) })
export type LinkNote = Infer<typeof note>

const NONCE = 12
const aadOf = (id: Uint8Array): Uint8Array => concat(utf8('keepwell/v1/link-note\0'), id)

export async function sealNote({ session, random }: Pick<Ctx, 'session' | 'random'>, id: Uint8Array, value: LinkNote): Promise<Uint8Array> {
  const nonce = random(NONCE)
  return concat(nonce, await aeadSeal({ key: session.state.ring.catalog, nonce, aad: aadOf(id), plaintext: encode(value) }))
}

/** Null for a note of an earlier keyring, or one that a relay altered. */
export async function openNote({ session }: Pick<Ctx, 'session'>, id: Uint8Array, sealed: Uint8Array): Promise<LinkNote | null> {
  const input = { key: session.state.ring.catalog, nonce: sealed.subarray(0, NONCE), aad: aadOf(id), ciphertext: sealed.subarray(NONCE) }
  return aeadOpen(input).then(
    plain => decodeAs(note, plain),
    () => null,
  )
}
