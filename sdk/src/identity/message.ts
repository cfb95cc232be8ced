import type { RandomBytes } from '#base/bytes'
import { encode } from '#base/cbor'
import { bytes, type Infer, int, object, oneOf, optional, string } from '#base/shape'
import { hpkeSeal } from '#crypto/seal'
import { SUITE } from '#crypto/suite'
import { type Bundle, bundle, type Party } from './bundle.ts'
import { did } from './did.ts'
import { type Signer, sign, signed } from './signed.ts'

export const MESSAGE_KINDS = ['invitation', 'request', 'grant', 'notice', 'share', 'device', 'revoked', 'guardian', 'right'] as const
export type MessageKind = (typeof MESSAGE_KINDS)[number]

/** What a relay holds for a party: whom it is for and when it dies; the sender stands inside (protocol §5). */
export const message = object({
  suite: string(16),
  to: did,
  kind: oneOf(...MESSAGE_KINDS),
  expiry: int(),
  enc: bytes(1120),
  sealed: bytes({ max: 1 << 20 }),
})
export type Message = Infer<typeof message>

/** The bundle comes along only where the recipient may not know the sender yet. */
export const messageInner = object({ from: optional(bundle), body: signed })
export const messageBody = object({ to: did, kind: oneOf(...MESSAGE_KINDS), at: int(), content: bytes({ max: 1 << 20 }) })

export const messageInfo = (m: Pick<Message, 'to' | 'kind' | 'expiry'>): Uint8Array => encode(['kw1/message', m.to, m.kind, m.expiry])

export type Outgoing = {
  /** The sender's bundle, to introduce itself. */
  readonly introduce?: Bundle
  readonly to: Party
  readonly kind: MessageKind
  readonly content: Uint8Array
  readonly expiry: number
  readonly at: number
}

export async function sealMessage(from: Signer, out: Outgoing, random: RandomBytes): Promise<Message> {
  const body = await sign(from, 'message', { to: out.to.did, kind: out.kind, at: out.at, content: out.content })
  const head = { to: out.to.did, kind: out.kind, expiry: out.expiry }
  const { enc, ciphertext } = await hpkeSeal({
    recipient: out.to.inbox,
    info: messageInfo(head),
    aad: new Uint8Array(0),
    plaintext: encode({ ...(out.introduce ? { from: out.introduce } : {}), body }),
    random,
  })
  return { suite: SUITE, ...head, enc, sealed: ciphertext }
}
