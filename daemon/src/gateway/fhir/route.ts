import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import type { Actor } from '#gateway/core/types'
import type { HttpMethod, HttpRequest } from '#http/route'

/** What a FHIR handler sees. */
export type FhirRequest = {
  readonly actor: Actor
  readonly params: Readonly<Record<string, string>>
  /** Of the URL and, with `_search`, of the form; without `_format`, `_pretty`. */
  readonly query: URLSearchParams
  readonly headers: HttpRequest['headers']
  /** The resource in the body, whatever its format was; null without a body. */
  readonly resource: JsonObject | null
  /** The body as it came, with `body: 'raw'`. */
  readonly bytes: Uint8Array
  readonly type: string
  /** `Prefer`. */
  readonly prefer: {
    readonly return?: 'minimal' | 'representation' | 'OperationOutcome'
    readonly handling?: 'strict' | 'lenient'
    readonly async?: true
    /** Seconds that the caller waits for the whole. */
    readonly wait?: number
  }
  /** It is an entry of a Bundle, whose answer has no place to say that it is a part. */
  readonly entry?: true
  /** Base URL of the FHIR endpoint, without a trailing slash. */
  readonly base: string
  /** The path and query below it, as asked. */
  readonly target: string
  readonly signal: AbortSignal
}

/** A resource in the format that the client asked for, or other bytes as they are. */
export type FhirAnswer = {
  readonly status?: number
  readonly resource?: JsonObject
  readonly raw?: { readonly type: string; readonly body: Uint8Array | string | AsyncIterable<Uint8Array> }
  readonly headers?: Readonly<Record<string, string>>
  /** The resource, or those in the Bundle, are a store's own: their bytes are worth keeping. */
  readonly lasting?: boolean
  /** As in `HttpAnswer`: of what is read from a session, that it ended. */
  readonly until?: AbortSignal
}

/** Types that are the server's own business and no part of anybody's record: rows for every type do not serve them. */
export const ALONE: ReadonlySet<string> = new Set(['Subscription'])

/** R4 `CapabilityStatement.rest(.resource).interaction.code`. */
export type Interaction =
  | 'read'
  | 'vread'
  | 'update'
  | 'patch'
  | 'delete'
  | 'history-instance'
  | 'history-type'
  | 'create'
  | 'search-type'
  | 'search-system'
  | 'history-system'
  | 'batch'
  | 'transaction'

/**
 * One row of the FHIR side: where it is, what it is called in `/metadata`, and what it does. The router and the CapabilityStatement are both
 * made from these rows, so the statement tells what is routed and nothing else.
 */
export type FhirRoute = {
  /** Short and fixed, for logs. */
  readonly name: string
  readonly method: HttpMethod
  /** Below the base: `/{type}/{id}`, `/Patient/{id}/$everything`. */
  readonly path: string
  readonly interaction?: Interaction
  /** `definition` is the canonical URL; without types the operation is the system's. */
  readonly operation?: { readonly name: string; readonly definition: string; readonly types?: readonly string[] }
  /** What the body is; default none. `form` is `application/x-www-form-urlencoded`, and becomes part of `query`. */
  readonly body?: 'resource' | 'form' | 'patch' | 'raw'
  /** Largest body, bytes; default 16 MiB. */
  readonly maxBody?: number
  /** Needs no actor; then `actor` is nobody, with no scopes. */
  readonly open?: true
  handle(request: FhirRequest): Promise<FhirAnswer> | FhirAnswer
}
