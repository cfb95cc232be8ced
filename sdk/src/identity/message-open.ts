import { ensure } from '#base/error'
import { decodeAs } from '#base/shape'
import { hpkeOpen } from '#crypto/open'
import { assertSuite } from '#crypto/suite'
import type { Bundle, Party } from './bundle.ts'
import type { Did } from './did.ts'
import { type Message, type MessageKind, messageBody, messageInfo, messageInner } from './message.ts'
import { type Signed, verifySigned } from './signed.ts'

export type Incoming = { readonly from?: Bundle; readonly body: Signed; readonly to: Did; readonly kind: MessageKind }

/** Opens with the inbox key. The sender is not trusted until `verifyMessage` was given its checked bundle. */
export async function openMessage(m: Message, inboxSecret: Uint8Array): Promise<Incoming> {
  assertSuite(m.suite)
  const plain = await hpkeOpen({ secret: inboxSecret, enc: m.enc, info: messageInfo(m), aad: new Uint8Array(0), ciphertext: m.sealed })
  return { ...decodeAs(messageInner, plain), to: m.to, kind: m.kind }
}

/** The content, once the sender's bundle was checked; throws BAD_SIGNATURE. */
export async function verifyMessage(m: Incoming, sender: Party): Promise<{ content: Uint8Array; at: number }> {
  const body = await verifySigned(m.body, 'message', messageBody, sender.keys)
  ensure(
    body.to === m.to && body.kind === m.kind && m.body.signer === sender.did,
    'BAD_SIGNATURE',
    'The message was made for someone else.',
  )
  return { content: body.content, at: body.at }
}
