import { logHead } from '@keepwell/sdk/audit/head'
import { toBase64Url, toHex } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { type Cid, cidBytes } from '@keepwell/sdk/base/cid'
import { ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { decodeAs, type Shape } from '@keepwell/sdk/base/shape'
import { sha256Async } from '@keepwell/sdk/crypto/hash'
import { bundle } from '@keepwell/sdk/identity/bundle'
import type { Call } from '@keepwell/sdk/identity/call'
import type { Block } from '@keepwell/sdk/ports/blocks'
import { checkBlock } from '@keepwell/sdk/ports/limits'
import type { Relay } from '@keepwell/sdk/ports/relay'
import { type Answer, METHODS, type MethodName, publicCalendar, relayInfo, restored } from '@keepwell/sdk/wire/methods'
import { CALL_SCHEME, hashes, MAX_CAR_BYTES, MAX_CIDS, pageBytes, policyBytes } from '@keepwell/sdk/wire/routes'
import { carParts, readCar } from '#blocks/car'
import { readEvents } from './event-stream.ts'
import { type Fetch, type HttpCall, type Transport, toError, transport } from './transport.ts'

export type HttpRelayOptions = {
  /** `https://…`, or `http://` to loopback. */
  readonly url: string
  readonly fetch?: Fetch
  /** Milliseconds for one answer; default one minute. */
  readonly timeout?: number
}

/**
 * A relay behind HTTP. Runs in Node and browsers. Every answer is checked against its shape and size, every block against its address; an
 * answer that is not what it should be throws RELAY_UNREACHABLE: whoever gave it is no relay of ours.
 */
export function openHttpRelay(options: HttpRelayOptions): Relay {
  const { url } = options
  ensure(/^https:\/\//.test(url) || isLoopback(url), 'BAD_INPUT', 'A relay beyond this machine is reached by https only.')
  // What is behind either would take the place of a route.
  ensure(!/[?#]/.test(url), 'BAD_INPUT', 'A relay’s address has no query and no fragment.')
  const fetch: Fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const http = transport({ url, fetch, timeout: options.timeout ?? 60_000 })
  const must = async <T>(shape: Shape<T>, found: Promise<Uint8Array | null>): Promise<T> => {
    const value = await maybe(shape, found)
    if (value === null) throw new KeepwellError('RELAY_UNREACHABLE', 'The relay gave no answer.')
    return value
  }
  return {
    url,
    info: () => must(relayInfo, http.ask('info')),
    call: <M extends MethodName>(method: M, call: Call) =>
      must(METHODS[method].answer as Shape<Answer<M>>, http.ask('call', { parameters: { method }, body: encode(call) })),
    async send(message) {
      await http.ask('message', { body: encode(message) })
    },
    async ring(to, bell) {
      await http.ask('ring', { body: encode({ to, bell }) })
    },
    async putBlocks(auth, blocks) {
      await http.ask('put-blocks', { authorization: callHeader(auth), body: carBody(blocks) })
    },
    getBlocks: (capability, cids, signal) => getBlocks(http, capability, cids, signal),
    bundle: (did, version) =>
      maybe(bundle, http.ask('bundle', { parameters: { did }, ...(version === undefined ? {} : { query: { version } }) })),
    calendar: did => maybe(publicCalendar, http.ask('calendar', { parameters: { did } })),
    page: (did, compartment) => maybe(pageBytes, http.ask('page', { parameters: { did, compartment: toHex(compartment) } })),
    restore: tag => maybe(restored, http.ask('restore', { body: encode({ tag }) })),
    policy: hash => maybe(policyBytes, http.ask('policy', { parameters: { hash: toHex(hash) } })),
    head: () => must(logHead, http.ask('head')),
    consistency: (from, to) => must(hashes, http.ask('consistency', { query: { from, to } })),
    events: (auth, signal) => events(http, auth, signal),
  }
}

/** An address of this machine, in the clear. */
export const isLoopback = (url: string): boolean => /^http:\/\/(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(\/|$)/.test(url)

const callHeader = (call: Call): string => `${CALL_SCHEME} ${toBase64Url(encode(call))}`

async function maybe<T>(shape: Shape<T>, found: Promise<Uint8Array | null>): Promise<T | null> {
  const bytes = await found
  if (bytes === null) return null
  try {
    return decodeAs(shape, bytes)
  } catch (cause) {
    throw new KeepwellError('RELAY_UNREACHABLE', 'The answer is not one that a relay of this version gives.', { cause })
  }
}

function carBody(blocks: readonly Block[]): readonly Uint8Array[] {
  const parts = carParts(blocks)
  ensure(
    parts.reduce((sum, part) => sum + part.length, 0) <= MAX_CAR_BYTES,
    'TOO_LARGE',
    `Blocks of one call have at most ${MAX_CAR_BYTES} bytes together; send the rest with another call.`,
  )
  return parts
}

async function* getBlocks(http: Transport, capability: Uint8Array, cids: readonly Cid[], signal?: AbortSignal): AsyncGenerator<Block> {
  for (let at = 0; at < cids.length; at += MAX_CIDS) {
    const part = cids.slice(at, at + MAX_CIDS)
    const call: HttpCall = { body: encode({ capability, cids: part.map(cidBytes) }), ...(signal ? { signal } : {}) }
    yield* inOrder(readCar(await http.open('get-blocks', call)), part)
  }
}

/** Only what was asked, in the order asked, and only what hashes to its address. */
async function* inOrder(found: AsyncIterable<Block>, asked: readonly Cid[]): AsyncGenerator<Block> {
  let next = 0
  for await (const block of found) {
    const at = asked.indexOf(block.cid, next)
    ensure(at >= 0, 'RELAY_UNREACHABLE', 'The relay sent a block that was not asked for.')
    checkBlock(block, await sha256Async(block.bytes))
    next = at + 1
    yield block
  }
}

async function* events(http: Transport, auth: Call, signal: AbortSignal): AsyncGenerator<string> {
  try {
    for await (const { event, data } of readEvents(await http.open('events', { authorization: callHeader(auth), signal }))) {
      if (event === 'error') throw errorIn(data)
      yield data
    }
  } catch (error) {
    if (signal.aborted && isKeepwellError(error, 'CANCELLED')) return
    throw error
  }
}

function errorIn(data: string): KeepwellError {
  let value: unknown = null
  try {
    value = JSON.parse(data)
  } catch {
    // Told below.
  }
  return toError(value) ?? new KeepwellError('RELAY_UNREACHABLE', 'The relay ended the events.')
}
