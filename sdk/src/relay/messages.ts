import { concat, u64be } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure } from '#base/error'
import { decodeAs } from '#base/shape'
import { sha256 } from '#crypto/hash'
import type { Did } from '#identity/did'
import { type Message, message } from '#identity/message'
import { type Answer, type Body, MESSAGES_PAGE } from '#wire/methods'
import { notify, type RelayContext } from './context.ts'
import { livesHere } from './parties.ts'

const MAX_BYTES = 1 << 18
const MAX_LIFE = 90 * 86_400
const MAX_COPIES = 4096

/** Keeps a sealed message until its recipient takes it; the sender is not known here. */
export async function send(ctx: RelayContext, m: Message): Promise<void> {
  const encoded = encode(m)
  ensure(encoded.length <= MAX_BYTES, 'TOO_LARGE', `A message has at most ${MAX_BYTES} bytes.`)
  ensure(m.expiry > ctx.clock() && m.expiry <= ctx.clock() + MAX_LIFE, 'BAD_INPUT', 'A message lives between now and 90 days.')
  ensure(await livesHere(ctx, m.to), 'UNKNOWN_PARTY', 'Nobody of that name has a mailbox here.')
  await ctx.envelopes.transact(m.to, async rows => {
    ensure((await rows.count('msg')) < ctx.settings.maxMessages, 'RATE_LIMITED', 'The mailbox is full.')
    await rows.put('msg', [{ key: sha256(encoded).slice(0, 16), value: encoded }])
  })
  notify(ctx, m.to, 'messages')
}

/** Messages for the caller, kept until named as done; the expired are forgotten, and none of them makes a page look like the last. */
export async function takeMessages(ctx: RelayContext, did: Did, { done, after }: Body<'take-messages'>): Promise<Answer<'take-messages'>> {
  return ctx.envelopes.transact(did, async rows => {
    if (done.length) await rows.delete('msg', done)
    const messages: Answer<'take-messages'>['messages'] = []
    for (let from = after; messages.length === 0; ) {
      const page = await rows.scan('msg', { limit: MESSAGES_PAGE, ...(from ? { after: from } : {}) })
      if (page.length === 0) break
      from = page.at(-1)!.key
      for (const row of page) {
        const m = decodeAs(message, row.value)
        if (m.expiry < ctx.clock()) await rows.delete('msg', [row.key])
        else messages.push({ id: row.key, message: m })
      }
    }
    return { messages }
  })
}

/** A reader's sealed copy of a receipt from another relay, kept for the vault. */
export async function putCopy(ctx: RelayContext, vault: Did, copy: Uint8Array): Promise<Record<string, never>> {
  ensure(await livesHere(ctx, vault), 'UNKNOWN_PARTY', 'Nobody of that name has a mailbox here.')
  await ctx.envelopes.transact(vault, async rows => {
    ensure((await rows.count('copy')) < MAX_COPIES, 'RATE_LIMITED', 'Too many receipt copies wait here.')
    await rows.put('copy', [{ key: sha256(concat(u64be(copy.length), copy)).slice(0, 16), value: copy }])
  })
  return {}
}

export async function takeCopies(ctx: RelayContext, did: Did, done: readonly Uint8Array[]): Promise<Answer<'take-copies'>> {
  return ctx.envelopes.transact(did, async rows => {
    if (done.length) await rows.delete('copy', done)
    return { copies: (await rows.scan('copy', { limit: 256 })).map(r => ({ id: r.key, copy: r.value })) }
  })
}
