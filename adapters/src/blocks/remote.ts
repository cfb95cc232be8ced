import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { MAX_BLOCK_BYTES } from '@keepwell/sdk/ports/limits'

/** The address of a place by https, on this machine by http as well; `what` is what it should be. Throws BAD_INPUT. */
export function placeUrl(address: string, what: string): URL {
  const url = new URL(address.replace(/\/*$/, '/'))
  const local = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  ensure(url.protocol === 'https:' || (url.protocol === 'http:' && local), 'BAD_INPUT', `${what} is reached by https://.`)
  return url
}

/** The body, of a block's size at most: what is longer is no block, and is not read to its end. `who` gave it. */
export async function readLimited(response: Response, who: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for await (const part of response.body ?? []) {
      length += part.length
      ensure(length <= MAX_BLOCK_BYTES, 'STORAGE_CORRUPT', `The ${who} gave more than the largest block.`)
      parts.push(part)
    }
  } catch (cause) {
    if (cause instanceof KeepwellError) throw cause
    throw new KeepwellError('STORAGE_FAILED', `The ${who} stopped in the middle of a block.`, { cause })
  }
  return new Uint8Array(Buffer.concat(parts))
}
