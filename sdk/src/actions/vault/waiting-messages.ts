import { compare } from '#base/bytes'
import type { Answer } from '#wire/methods'

export type WaitingMessage = Answer<'take-messages'>['messages'][number]

/**
 * Every message of a mailbox, page by page, however many others wait before; nothing is taken out. `page` asks for those after an id. A
 * page may be short, for what has expired is left out of it: only an empty one is the last.
 */
export async function* waitingMessages(
  page: (from: { readonly after?: Uint8Array }) => Promise<{ readonly messages: readonly WaitingMessage[] }>,
): AsyncGenerator<WaitingMessage> {
  for (let after: Uint8Array | undefined; ; ) {
    const { messages } = await page(after ? { after } : {})
    const last = messages.at(-1)?.id
    // A relay that begins again from the front would keep us here for ever.
    if (!last || (after && compare(last, after) <= 0)) return
    yield* messages
    after = last
  }
}
