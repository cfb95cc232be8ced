import { fromBase64Url } from '@keepwell/sdk/base/bytes'
import { type ErrorCode, ensure, isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { decodeAs } from '@keepwell/sdk/base/shape'
import { bundleMessage } from '@keepwell/sdk/identity/bundle'
import { type Call, call as callShape, verifyCall } from '@keepwell/sdk/identity/call'
import type { Did } from '@keepwell/sdk/identity/did'
import { peek } from '@keepwell/sdk/identity/signed'
import type { Relay } from '@keepwell/sdk/ports/relay'
import { CALL_SCHEME, CAPABILITY_SCHEME } from '@keepwell/sdk/wire/routes'
import { RateLimited } from '#http/errors'
import type { RateLimiter } from '#http/rate'

function credentials(header: string | undefined, scheme: string): Uint8Array {
  const [given, value, ...rest] = (header ?? '').split(' ')
  const ok = given?.toLowerCase() === scheme.toLowerCase() && value && !rest.length
  ensure(ok, 'BAD_INPUT', `This needs the header "Authorization: ${scheme} <base64url>".`)
  return fromBase64Url(value)
}

export const callIn = (header: string | undefined): Call => decodeAs(callShape, credentials(header, CALL_SCHEME))
export const capabilityIn = (header: string | undefined): Uint8Array => credentials(header, CAPABILITY_SCHEME)

/**
 * Checks a call's addressee, method and signature before a large body is taken in or a stream opened. Freshness and replay stay the
 * relay's: this consumes nothing.
 */
export async function checkSigned(relay: Pick<Relay, 'info' | 'bundle'>, method: string, call: Call): Promise<void> {
  const { did } = await relay.info()
  ensure(call.relay === did && call.method === method, 'BAD_SIGNATURE', 'The request was signed for another relay or method.')
  const bundle = await relay.bundle(call.from)
  if (!bundle) throw new KeepwellError('UNKNOWN_PARTY', 'This relay has no key bundle of the caller; enroll it first.')
  verifyCall(call, peek(bundle.signed, bundleMessage).request)
}

/** Refusals that anybody can provoke in another's name. */
const NOT_PROVEN: readonly ErrorCode[] = ['BAD_SIGNATURE', 'UNKNOWN_PARTY', 'CLOCK_SKEW', 'REPLAYED', 'BAD_INPUT', 'BAD_CBOR', 'TOO_LARGE']

/**
 * Counts a call against its caller once it proved to be the caller's: else anyone could use up another's allowance. Throws RATE_LIMITED
 * when it is used up.
 */
export async function counted<T>(callers: RateLimiter, caller: Did, work: () => Promise<T>): Promise<T> {
  const wait = callers.wait(caller)
  if (wait) throw new RateLimited(wait)
  try {
    const result = await work()
    callers.take(caller)
    return result
  } catch (error) {
    if (!isKeepwellError(error) || !NOT_PROVEN.includes(error.code)) callers.take(caller)
    throw error
  }
}
