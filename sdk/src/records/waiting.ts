import { concat, type RandomBytes } from '#base/bytes'
import { encode } from '#base/cbor'
import { bytes, decodeAs, dictionary, type Infer, int, object, optional, string } from '#base/shape'
import { aeadOpen, openPayload } from '#crypto/open'
import { aeadSeal, sealPayload } from '#crypto/seal'
import type { Did } from '#identity/did'
import { card } from './card.ts'
import type { Draft } from './pack.ts'

/** A draft that waits on this device: everything but its body, which is sealed under `key`. */
export const waiting = object({
  card,
  compartment: bytes(16),
  authoredAt: int(),
  attributes: optional(dictionary(string(4000), 64)),
  key: bytes(32),
})
export type Waiting = Infer<typeof waiting>

/** A draft whose body is in memory. */
export type WholeDraft = Draft & { readonly body: Uint8Array }

const aad = (id: Uint8Array, part: string): Uint8Array => concat(encode(['kw1/waiting', part]), id)

/** Seals a draft: head under the vault's catalog key, body (FLOE) under a key of its own that stands in the head. */
export async function sealWaiting(catalogKey: Uint8Array, author: Did, draft: WholeDraft, random: RandomBytes) {
  const { id, kind, mediaType, facts, prior, milestone, compartment, authoredAt, attributes, body } = draft
  const key = random(32)
  const head: Waiting = {
    card: {
      v: 1,
      salt: random(32),
      author,
      kind,
      mediaType,
      ...facts,
      ...(milestone ? { milestone } : {}),
      ...(prior ? { prior } : {}),
      size: body.length,
    },
    compartment,
    authoredAt,
    ...(attributes ? { attributes: { ...attributes } } : {}),
    key,
  }
  const nonce = random(12)
  const sealed = concat(nonce, await aeadSeal({ key: catalogKey, nonce, aad: aad(id, 'head'), plaintext: encode(head) }))
  return { sealed, body: await sealPayload({ key, aad: aad(id, 'body'), plaintext: body, random }) }
}

export const openWaiting = async (catalogKey: Uint8Array, id: Uint8Array, sealed: Uint8Array): Promise<Waiting> =>
  decodeAs(
    waiting,
    await aeadOpen({ key: catalogKey, nonce: sealed.subarray(0, 12), aad: aad(id, 'head'), ciphertext: sealed.subarray(12) }),
  )

export const openWaitingBody = (id: Uint8Array, { key }: Waiting, body: Uint8Array): Promise<Uint8Array> =>
  openPayload({ key, aad: aad(id, 'body'), payload: body })

/** The draft again, to be signed and sealed for the vault. */
export function draftOf(id: Uint8Array, { card: c, compartment, authoredAt, attributes }: Waiting, body: Uint8Array): WholeDraft {
  const { v: _v, salt: _salt, token: _token, author: _author, kind, mediaType, size: _size, prior, milestone, ...facts } = c
  return {
    id,
    kind,
    mediaType,
    compartment,
    authoredAt,
    body,
    facts,
    ...(prior ? { prior } : {}),
    ...(milestone ? { milestone } : {}),
    ...(attributes ? { attributes } : {}),
  }
}
