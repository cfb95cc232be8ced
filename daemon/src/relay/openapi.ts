import { ERRORS } from '@keepwell/sdk/base/error'
import { METHODS } from '@keepwell/sdk/wire/methods'
import { CALL_SCHEME, CAPABILITY_SCHEME, CBOR, JSON_TYPE, ROUTES, type RouteSpec } from '@keepwell/sdk/wire/routes'

type Json = Readonly<Record<string, unknown>>

const error: Json = {
  description: 'A refusal. 404 and 409 and so on follow from its code.',
  content: { [JSON_TYPE]: { schema: { $ref: '#/components/schemas/Error' } }, [CBOR]: { schema: { $ref: '#/components/schemas/Error' } } },
}

const content = (type: string): Json => ({
  [type.split(';')[0]!]: type === CBOR || type === JSON_TYPE ? {} : { schema: { type: 'string' } },
})

const parameters = (route: RouteSpec): Json[] => [
  ...[...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
  ...Object.entries(route.query ?? {}).map(queryParameter(true)),
  ...Object.entries(route.optionalQuery ?? {}).map(queryParameter(false)),
]

const queryParameter =
  (required: boolean) =>
  ([name, description]: [string, string]): Json => ({ name, in: 'query', required, description, schema: { type: 'integer', minimum: 0 } })

function operation(id: string, route: RouteSpec, summary: string): Json {
  const { request, answer, absent, authorization } = route
  return {
    operationId: id,
    summary,
    parameters: parameters(route),
    ...(authorization ? { security: [{ [authorization]: [] }] } : {}),
    ...(request
      ? {
          requestBody: { required: true, description: `${request.about} At most ${request.max} bytes.`, content: content(request.type) },
        }
      : {}),
    responses: {
      200: { description: answer.about, content: content(answer.type) },
      ...(absent ? { 404: { ...error, description: absent } } : {}),
      default: error,
    },
  }
}

/** Paths of the table; the one of signed calls is written out method by method. */
function paths(): Record<string, Json> {
  const out: Record<string, Record<string, Json>> = {}
  const add = (path: string, method: string, op: Json) => {
    out[path] = { ...out[path], [method.toLowerCase()]: op }
  }
  for (const [name, route] of Object.entries(ROUTES) as [string, RouteSpec][]) {
    if (name !== 'call') add(route.path, route.method, operation(name, route, route.about))
  }
  for (const [method, { about }] of Object.entries(METHODS)) {
    const path = ROUTES.call.path.replace('{method}', method)
    add(path, 'POST', operation(`call-${method}`, { ...ROUTES.call, path }, about))
  }
  return out
}

/** OpenAPI 3.1 of a relay, made from the tables that the server and the client run on. */
export const openApi = (url: string, version: string): Json => ({
  openapi: '3.1.0',
  info: {
    title: 'Keepwell relay',
    version,
    summary: 'Ciphertext, envelopes, receipts, messages and the access log of personal health records; never plaintext.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url }],
  paths: paths(),
  components: {
    schemas: {
      Error: {
        type: 'object',
        required: ['code', 'message'],
        properties: { code: { type: 'string', enum: Object.keys(ERRORS) }, message: { type: 'string' } },
      },
    },
    securitySchemes: {
      call: {
        type: 'apiKey',
        in: 'header',
        name: 'Authorization',
        description: `"${CALL_SCHEME} " and base64url of the CBOR of a signed call.`,
      },
      capability: {
        type: 'apiKey',
        in: 'header',
        name: 'Authorization',
        description: `"${CAPABILITY_SCHEME} " and base64url of a capability.`,
      },
    },
  },
})
