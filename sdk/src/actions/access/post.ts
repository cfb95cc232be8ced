import type { Ctx } from '#actions/context'
import { ownBundle, signerOf } from '#actions/vault/calls'
import { encode } from '#base/cbor'
import { ensure } from '#base/error'
import type { Party } from '#identity/bundle'
import { type MessageKind, sealMessage } from '#identity/message'

const LIFE = 30 * 86_400

/** Seals a message to a party and leaves it at the first of its relays that answers. Says who we are only when asked to. */
export async function post(
  ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>,
  to: Party,
  kind: MessageKind,
  content: unknown,
  options: { readonly introduce?: boolean; readonly expiry?: number } = {},
): Promise<number> {
  const { ring } = ctx.session.state
  const at = ctx.clock()
  const introduce = options.introduce ? { introduce: ownBundle(ring) } : {}
  const encoded = encode(content)
  const message = await sealMessage(
    signerOf(ring),
    { to, kind, content: encoded, expiry: options.expiry ?? at + LIFE, at, ...introduce },
    ctx.random,
  )
  ensure(to.relays.length, 'UNKNOWN_PARTY', 'The party names no relay.')
  let failure: unknown
  for (const url of to.relays) {
    try {
      await (await ctx.network.relay(url)).send(message)
      return message.sealed.length
    } catch (e) {
      failure = e
    }
  }
  throw failure
}
