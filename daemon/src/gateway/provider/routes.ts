import { fromBase64Url, text, toBase64Url, utf8 } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { type Infer, int, list, object, oneOf, optional, type Shape, string } from '@keepwell/sdk/base/shape'
import { LEVELS, PURPOSES } from '@keepwell/sdk/consent/terms'
import { did } from '@keepwell/sdk/identity/did'
import type { Authenticate, Gateway, GatewayPart } from '#gateway/core/types'
import type { HttpAnswer, HttpRequest } from '#http/route'
import { getRecord, grantOf, MAX_RECORD, requestAccess, submitRecord } from './provider.ts'

const MAX_JSON = 64 << 10

const code = object({ system: optional(string(300)), code: string(200), display: optional(string(300)) })
const metadata = object({
  name: string(500),
  title: optional(string(200)),
  date: optional(string(40)),
  codes: optional(list(code, 8)),
})
const asking = object({
  patient: did,
  purpose: oneOf(...PURPOSES),
  duration: int(60, 20 * 366 * 86_400),
  level: optional(oneOf(...LEVELS)),
  parts: optional(list(string(80), 64)),
  text: optional(string(1000)),
})

/** Absent members come as undefined, and are left out. */
type Present<T> = { readonly [K in keyof T]: Exclude<T[K], undefined> }

function parsed<T extends object>(shape: Shape<T>, source: string, what: string): Present<Infer<Shape<T>>> {
  let value: unknown
  try {
    value = JSON.parse(source)
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', `${what}: expected JSON.`, { cause })
  }
  return shape.check(value, what) as Present<Infer<Shape<T>>>
}

const json = (status: number, value: unknown): HttpAnswer => ({ status, type: 'application/json', body: JSON.stringify(value) })
const none = (): HttpAnswer => json(404, { code: 'NOT_FOUND', message: 'There is none.' })

/** What describes a record travels in a header, base64url of JSON: names and titles are health data, and no URL holds any. */
export const METADATA = 'keepwell-metadata'

function metadataOf({ headers }: HttpRequest) {
  const given = headers[METADATA]
  if (typeof given !== 'string') throw new KeepwellError('BAD_INPUT', `${METADATA}: expected base64url of a JSON object with a name.`)
  try {
    return parsed(metadata, text(fromBase64Url(given)), METADATA)
  } catch (cause) {
    if (cause instanceof KeepwellError && cause.code === 'BAD_INPUT') throw cause
    throw new KeepwellError('BAD_INPUT', `${METADATA}: expected base64url of JSON.`, { cause })
  }
}

export type ProviderInput = { readonly gateway: Gateway; readonly authenticate: Authenticate }

/**
 * The provider interface over HTTP, for programs that speak no FHIR: bytes in, bytes out, and asking for access. Whoever asks bears what the
 * gateway's other sides take: an API key, or an access token with all scopes of its patient.
 */
export function providerPart({ gateway, authenticate }: ProviderInput): GatewayPart {
  const who = async (request: HttpRequest) => {
    const actor = await authenticate(request)
    const wide = actor.scopes === null || actor.scopes.some(s => s.type === '*' && s.c && s.r && s.u && s.s && s.query.length === 0)
    if (!wide) throw new KeepwellError('DENIED', 'A token for parts of a record goes to the FHIR side.')
    return actor
  }
  const patients = '/api/v1/patients/{patient}'
  return {
    routes: [
      {
        name: 'provider-submit',
        method: 'POST',
        path: `${patients}/records`,
        async handle(request) {
          const actor = await who(request)
          const input = { patient: request.params.patient!, metadata: metadataOf(request), data: await request.body(MAX_RECORD) }
          return json(201, { ids: await submitRecord(gateway, actor, input) })
        },
      },
      {
        name: 'provider-get',
        method: 'GET',
        path: `${patients}/records/{id}`,
        async handle(request) {
          const found = await getRecord(gateway, await who(request), request.params.patient!, request.params.id!)
          if (!found) return none()
          const { data, ...about } = found
          const headers = { [METADATA]: toBase64Url(utf8(JSON.stringify(about))), 'content-disposition': 'attachment' }
          return { type: 'application/octet-stream', headers, body: data }
        },
      },
      {
        name: 'provider-grant',
        method: 'GET',
        path: patients,
        async handle(request) {
          const actor = await who(request)
          const { patient } = request.params
          const found = actor.patient === null || actor.patient === patient ? grantOf(gateway.patient(patient!)) : null
          return found ? json(200, found) : none()
        },
      },
      {
        name: 'provider-ask',
        method: 'POST',
        path: '/api/v1/access-requests',
        accepts: 'application/json',
        async handle(request) {
          const actor = await who(request)
          const state = await requestAccess(gateway, actor, parsed(asking, text(await request.body(MAX_JSON)), 'the request'))
          return json(state.grant ? 200 : 202, state)
        },
      },
    ],
  }
}
