import type { Ctx } from '#actions/context'
import { callerOf } from '#actions/vault/calls'
import { receiptHash } from '#audit/receipt'
import { equal } from '#base/bytes'
import { encode } from '#base/cbor'
import { type Cid, parseCid } from '#base/cid'
import { type ErrorCode, ensure, isKeepwellError, KeepwellError } from '#base/error'
import { sha256 } from '#crypto/hash'
import { signCall } from '#identity/call'
import type { Relay } from '#ports/relay'
import type { Meta } from '#records/plain'
import type { Fetch } from '#records/unpack'
import { HELD } from '#wire/held'
import type { Answer } from '#wire/methods'

type Asking = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>
type Opening = Pick<Answer<'access'>, 'receipt' | 'inclusion' | 'capability'>

const AWAY = new Set<ErrorCode>(['RELAY_UNREACHABLE', 'NO_ROUTE', 'STOPPING', 'MISDIRECTED', 'BAD_METHOD', 'BAD_TYPE'])
const away = (cause?: unknown) =>
  new KeepwellError('HELD_UNREACHABLE', 'The record lies at the organisation that wrote it, and its gateway does not answer.', { cause })

/**
 * Blocks of content that an author holds, asked of its gateway with what shows that this opening is on the patient's log. A gateway answers one
 * question as a relay does, so the door to it is a relay's. Each block is checked against its address, whatever the gateway did.
 */
export function fromHolder(ctx: Asking, relay: Relay, opening: Opening): (meta: Meta) => Fetch {
  const shown = new Map<string, Uint8Array>()
  const showTo = (holder: string): Uint8Array => {
    const known = shown.get(holder) ?? encode({ v: 1, call: callTo(ctx, holder, opening), ...only(opening) })
    shown.set(holder, known)
    return known
  }
  return ({ author, held }) =>
    async function* (cids: readonly Cid[]) {
      ensure(
        held && mayAsk(held.url, relay.url),
        'HELD_UNREACHABLE',
        'The record names a place on this machine as where it lies; that is not asked.',
      )
      try {
        const door = await ctx.network.relay(held.url)
        // An answer that ends early is asked on: why it did then comes as an error, which it cannot in the middle of an answer.
        for (let rest = cids; rest.length; ) {
          let given = 0
          for await (const block of door.getBlocks(showTo(author), rest)) {
            const whole = block.cid === rest[given++] && equal(sha256(block.bytes), parseCid(block.cid).digest)
            ensure(whole, 'BAD_CID', 'A block is another than was asked for.')
            yield block
          }
          if (given === 0) throw away()
          rest = rest.slice(given)
        }
      } catch (e) {
        if (isKeepwellError(e, 'BAD_CID'))
          throw new KeepwellError('HELD_ALTERED', 'What the organisation gave is not what it signed; nothing of it was opened.', {
            cause: e,
          })
        // A refusal of the relay ends the reading; one of the door is about this record alone.
        if (isKeepwellError(e, 'DENIED'))
          throw new KeepwellError('HELD_REFUSED', 'The organisation that holds it refuses to give it.', { cause: e })
        throw isKeepwellError(e) && !AWAY.has(e.code) ? e : away(e)
      }
    }
}

const only = ({ receipt, inclusion, capability }: Opening): Opening => ({ receipt, inclusion, capability })

const callTo = ({ clock, random, session }: Asking, holder: string, { receipt }: Opening) =>
  signCall(callerOf(session.state.ring), {
    relay: holder,
    method: HELD,
    body: { receipt: receiptHash(receipt.signed) },
    nonce: random(16),
    time: clock(),
  })

const LOOPBACK = /^http:\/\/(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(\/|$)/

/** An address on the reader's own machine is asked only where all is on one machine: else a writer could have it knock at its neighbours. */
const mayAsk = (url: string, relay: string): boolean => url.startsWith('https://') || (LOOPBACK.test(url) && LOOPBACK.test(relay))
