import { text } from '@keepwell/sdk/base/bytes'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import type { LinkAnswer, LinkDoors } from '@keepwell/sdk/relay/links'
import { JSON_TYPE, ROUTES } from '@keepwell/sdk/wire/routes'
import { RateLimited } from '#http/errors'
import type { RateLimiter } from '#http/rate'
import type { HttpAnswer, HttpRequest } from '#http/route'

/** SHL's protocol is JSON for anybody's viewer, on any page. */
const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpAnswer => ({
  status,
  type: JSON_TYPE,
  headers,
  body: JSON.stringify(body),
})

/** Twelve hours: how often whoever follows a link that lasts should ask again. */
const AGAIN = 12 * 3600

function askIn(body: Uint8Array): { passcode?: string; embeddedLengthMax?: number } {
  let value: { recipient?: unknown; passcode?: unknown; embeddedLengthMax?: unknown }
  try {
    value = JSON.parse(text(body)) ?? {}
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', 'The body is no JSON object.', { cause })
  }
  const { recipient, passcode, embeddedLengthMax: max } = value
  ensure(typeof recipient === 'string' && recipient.trim() !== '', 'BAD_INPUT', 'Say who asks: recipient.')
  ensure(
    passcode === undefined || (typeof passcode === 'string' && passcode.length <= 256),
    'BAD_INPUT',
    'A passcode is a text of at most 256 characters.',
  )
  ensure(
    max === undefined || (typeof max === 'number' && Number.isInteger(max) && max >= 0),
    'BAD_INPUT',
    'embeddedLengthMax is a number from 0.',
  )
  return {
    ...(passcode === undefined ? {} : { passcode: passcode as string }),
    ...(max === undefined ? {} : { embeddedLengthMax: max as number }),
  }
}

function manifest(answer: LinkAnswer, base: string): HttpAnswer {
  if (answer.kind === 'gone') return json(404, { code: 'NOT_FOUND', message: ROUTES.link.absent })
  if (answer.kind === 'passcode') return json(401, { remainingAttempts: answer.remaining })
  const files = answer.files.map(f =>
    'embedded' in f
      ? { contentType: f.type, embedded: text(f.embedded) }
      : { contentType: f.type, location: `${base}${ROUTES['link-file'].path.replace('{ticket}', f.ticket)}` },
  )
  return json(200, { status: answer.lasting ? 'can-change' : 'finalized', files }, answer.lasting ? { 'retry-after': String(AGAIN) } : {})
}

/** The doors of links. `remote` is counted, so that nobody goes through names or passcodes in bulk. */
export function linkHandlers(links: LinkDoors, base: string, perAddress: RateLimiter) {
  const spend = (request: HttpRequest): void => {
    const wait = perAddress.take(request.remote)
    if (wait) throw new RateLimited(wait)
  }
  const file = (bytes: Uint8Array | null): Omit<HttpAnswer, 'type'> & { type?: string } =>
    bytes ? { body: bytes } : json(404, { code: 'NOT_FOUND', message: ROUTES.link.absent })
  return {
    link: async (request: HttpRequest) => {
      spend(request)
      const ask = askIn(await request.body(ROUTES.link.request.max))
      return manifest(await links.openLink(request.params.id ?? '', ask), base)
    },
    'link-direct': async (request: HttpRequest) => {
      spend(request)
      return file(await links.directFile(request.params.id ?? ''))
    },
    'link-file': async (request: HttpRequest) => {
      spend(request)
      return file(await links.linkFile(request.params.ticket ?? ''))
    },
  }
}
